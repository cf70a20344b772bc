package term

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"text/tabwriter"
	"unicode/utf8"
)

func TestEscape_WhatDrivesATerminal(t *testing.T) {
	for in, want := range map[string]string{
		"plain, Grüße, 東京, é":            "plain, Grüße, 東京, é",
		"\x1b[2J":                        `\u001b[2J`,
		"a\u202eb":                       `a\u202eb`,
		"a\u200bb\ufeff\u2060":           `a\u200bb\ufeff\u2060`,
		"a\nb\tc\r":                      `a\nb\tc\u000d`,
		"\u2028\u2029\u0085\u009b2J":     `\u2028\u2029\u0085\u009b2J`,
		"\xff\xc3(":                      `\xff\xc3(`,
		"\u3164\u115f\ufe0f\u2800\u034f": `\u3164\u115f\ufe0f\u2800\u034f`,
		"\U000e0041":                     `\udb40\udc41`,
		"\x7f":                           `\u007f`,
	} {
		if got := Escape(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := Lines("a\n\tb\x1b"); got != "a\n\tb\\u001b" {
		t.Errorf("%q", got)
	}
}

func TestSprintf_EscapesEachArgument(t *testing.T) {
	name := "a\x1b[2J\nb"
	got := Sprintf("%s|%-4s|%q|%v|%d|%*d|%x|%s|%v", name, "x", name, []string{name}, uint32(7), 3, 5, "z", errors.New(name), struct{ A string }{name})
	want := `a\u001b[2J\nb|x   |"a\x1b[2J\nb"|[a\u001b[2J\nb]|7|  5|7a|a\u001b[2J\nb|{a\u001b[2J\nb}`
	if got != want {
		t.Errorf("\n%s\n%s", got, want)
	}
	if got := Sprintf("%s", Text("one\ntwo\x1b[2J"+red+"three"+plain)); got != "one\ntwo\\u001b[2J"+red+"three"+plain {
		t.Errorf("%q", got)
	}
}

func TestError_KeepsTheLinesOfJoinsAlone(t *testing.T) {
	leaf := fmt.Errorf("open %s: %w", "a\nb", os.ErrNotExist)
	err := fmt.Errorf("check\x1b: %w", errors.Join(leaf, errors.New("two\u202e")))
	if got, want := Error(err), "check\\u001b: open a\\nb: file does not exist\ntwo\\u202e"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := Sprintf("%v", &os.PathError{Op: "open", Path: "a\nb", Err: os.ErrNotExist}), `open a\nb: file does not exist`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestWriter_NothingPassesIt(t *testing.T) {
	var out bytes.Buffer
	w := &Writer{w: &out}
	for _, b := range []byte("a\x1b[2J\u202eé\n" + red + "x") { // byte by byte, as a buffer may cut
		if _, err := w.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := out.String(), `a\u001b[2J\u202eé`+"\n"+`\u001b[31;1mx`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	out.Reset()
	w = &Writer{w: &out, on: true}
	fmt.Fprint(w, string(StyleFor(w).Bad("e\x1b[2J"))+"\x1b[8mhidden\x1b[")
	if got, want := out.String(), red+`e\u001b[2J`+plain+`\u001b[8mhidden\u001b[`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestWriter_JSONStaysTheSame: what is escaped in JSON means the same.
func TestWriter_JSONStaysTheSame(t *testing.T) {
	in := "a\x1b[2J\u202e\u200b\n\U000e0041 é\x7f"
	var out bytes.Buffer
	if err := json.NewEncoder(&Writer{w: &out}).Encode(in); err != nil {
		t.Fatal(err)
	}
	var back string
	if err := json.Unmarshal(out.Bytes(), &back); err != nil || back != in {
		t.Errorf("%q, %v", back, err)
	}
	if strings.ContainsAny(out.String(), "\u202e\u200b\x7f") {
		t.Errorf("raw: %q", out.String())
	}
}

func TestFprintf_InATable(t *testing.T) {
	var out bytes.Buffer
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	_, _ = Fprintf(w, "%s\t%s\n", "a\tb", "c\nd")
	if err := w.Flush(); err != nil || out.String() != `a\tb  c\nd`+"\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

// FuzzEscape: one line of valid UTF-8 comes out, escaping it again changes
// nothing, and no rune that it holds drives a terminal.
func FuzzEscape(f *testing.F) {
	f.Add("a\x1b[2J\u202e\u200b\n\U000e0041\xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := Escape(s)
		if !utf8.ValidString(got) || Escape(got) != got {
			t.Fatalf("%q", got)
		}
		for _, r := range got {
			if !visible(r) {
				t.Fatalf("%q holds %U", got, r)
			}
		}
	})
}

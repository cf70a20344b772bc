package term

import "testing"

func TestHang_BreaksBetweenWords(t *testing.T) {
	for _, c := range []struct {
		line          string
		width, indent int
		want          string
	}{
		{"short", 10, 2, "short"},
		{"one two three", 8, 2, "one two\n  three"},
		{"    kept  apart  here", 15, 4, "    kept  apart\n    here"},
		{"awordlongerthanthewidth x", 8, 2, "awordlongerthanthewidth\n  x"},
		{"", 8, 2, ""},
	} {
		if got := Hang(c.line, c.width, c.indent); got != c.want {
			t.Errorf("%q at %d: %q, want %q", c.line, c.width, got, c.want)
		}
	}
}

func TestFold_KeepsWhatIsCopied(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"short\n", "short\n"},
		{"one two three four five\n", "one two three four\n  five\n"},
		{"key  a value of many words\n", "key  a value of many\n     words\n"},
		{"  - a point that goes on\n", "  - a point that\n    goes on\n"},
		{"run `trustroot plan check --json` then\n", "run `trustroot plan check --json`\n  then\n"},
		{"    trustroot ceremony run STICK --plan pki.yaml\n", "    trustroot ceremony run STICK --plan pki.yaml\n"},
		{"+  - name: fulcio # and a word\n", "+  - name: fulcio # and a word\n"},
		{"sha256 0123456789abcdef0123456789abcdef\n", "sha256 0123456789abcdef0123456789abcdef\n"},
		{"the digest of it is 0123456789abcdef\n", "the digest of it is\n  0123456789abcdef\n"},
		{"trustroot: error: what is wrong\n", "trustroot: error:\n  what is wrong\n"},
		{"a cell  another one       \n", "a cell  another one\n"},
		{"\x1b[32mgood\x1b[0m and not too wide\n", "\x1b[32mgood\x1b[0m and not too\n  wide\n"},
		{"an ` open quote that goes on\n", "an ` open quote that\n  goes on\n"},
	} {
		if got := Fold(c.text, 20); got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
	if got := Fold("one two three\n", 0); got != "one two three\n" {
		t.Errorf("without a terminal: %q", got)
	}
}

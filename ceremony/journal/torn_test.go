package journal

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/digest"
)

func TestOpen_TornAtEveryByte(t *testing.T) {
	j, path := create(t)
	must(t, j.Intent("sign fulcio", map[string]string{"serial": "4f"}))
	whole := len(readFile(t, path))
	must(t, j.Result("sign fulcio", map[string]string{"certificate": "PEM <&> äö"}))
	must(t, j.Close())
	data := readFile(t, path)
	for n := whole + 1; n < len(data); n++ {
		dir := t.TempDir()
		name := filepath.Join(dir, "journal.jsonl")
		must(t, os.WriteFile(name, data[:n], 0o600))
		j, err := Open(name, testClock, nil)
		if err != nil {
			t.Fatalf("cut at %d: %v", n, err)
		}
		if s := j.Last("sign fulcio"); s.State != Intended || s.Result != nil {
			t.Fatalf("cut at %d: %+v", n, s)
		}
		checkTorn(t, dir, j, data[whole:n])
		must(t, j.Close())
		if _, err := Read(readFile(t, name)); err != nil {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
	t.Logf("cut at each of %d bytes", len(data)-whole-1)
}

// checkTorn looks for one line that names a file with exactly these bytes.
func checkTorn(t *testing.T, dir string, j *Journal, rest []byte) {
	t.Helper()
	entries := j.chain.entries
	e := entries[len(entries)-1]
	var torn Torn
	if err := json.Unmarshal(e.Data, &torn); err != nil || e.Kind != KindTorn {
		t.Fatalf("the last line is %+v (%v), want one of kind torn", e, err)
	}
	if torn.SHA256 != digest.Hex(rest) || torn.Length != len(rest) {
		t.Fatalf("noted %+v for %d bytes", torn, len(rest))
	}
	if !bytes.Equal(readFile(t, filepath.Join(dir, torn.File)), rest) {
		t.Fatal("the torn bytes were not kept")
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 2 {
		t.Fatalf("%d files (%v), want the journal and the torn line", len(files), err)
	}
}

func TestOpen_TornNotedOnce(t *testing.T) {
	j, path := create(t)
	must(t, j.Close())
	data := readFile(t, path)
	rest := []byte(`{"seq":2,"prev":"` + HeadOf(data))
	must(t, os.WriteFile(path, append(data, rest...), 0o600))
	for range 3 {
		j, err := Open(path, testClock, nil)
		must(t, err)
		checkTorn(t, filepath.Dir(path), j, rest)
		if n := len(j.chain.entries); n != 2 {
			t.Fatalf("%d lines, want the torn line noted once", n)
		}
		must(t, j.Close())
	}
}

func TestOpen_RefusesOtherTails(t *testing.T) {
	j, path := create(t)
	must(t, day(j))
	must(t, j.Close())
	closed := readFile(t, path)
	first := closed[:bytes.IndexByte(closed, '\n')+1]
	begin := `{"seq":2,"prev":"` + HeadOf(first) + `","time":"2026-`
	for what, data := range map[string][]byte{
		"after the end":        append(bytes.Clone(closed), '{'),
		"an empty file":        nil,
		"only a torn line":     first[:20],
		"another beginning":    append(bytes.Clone(first), `{"seq":3`...),
		"zeros":                append(bytes.Clone(first), 0, 0, 0),
		"no beginning of JSON": append(bytes.Clone(first), begin+`02"}}`...),
		"more than a line":     append(bytes.Clone(first), begin+string(bytes.Repeat([]byte("0"), maxLine))...),
	} {
		must(t, os.WriteFile(path, data, 0o600))
		if j, err := Open(path, testClock, nil); err == nil {
			t.Errorf("%s: opened", what)
			must(t, j.Close())
		}
		if !bytes.Equal(readFile(t, path), data) {
			t.Errorf("%s: the file was changed", what)
		}
	}
}

func TestOpen_RefusesForgedAside(t *testing.T) {
	j, path := create(t)
	must(t, j.Close())
	must(t, os.WriteFile(path+tornMark+"0123456789abcdef", []byte("x"), 0o600))
	if _, err := Open(path, testClock, nil); err == nil {
		t.Fatal("a file that is not what its name says was noted")
	}
}

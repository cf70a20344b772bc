package journal

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// finished returns the bytes of a journal of a whole day.
func finished(t *testing.T) []byte {
	t.Helper()
	j, path := create(t)
	must(t, day(j))
	return readFile(t, path)
}

func refusedVerify(t *testing.T, what string, data []byte) {
	t.Helper()
	_, err := Verify(data)
	if fault.ExitCode(err) != int(fault.Verification) || fault.Hint(err) == "" {
		t.Errorf("%s: got %v, want a verification fault with a hint", what, err)
	}
}

func TestVerify_AnyByteChanged(t *testing.T) {
	data := finished(t)
	head := HeadOf(data)
	for i := range data {
		for _, flip := range []byte{0x01, 0x20, 0x80} {
			changed := bytes.Clone(data)
			changed[i] ^= flip
			// the last line has no successor: there the head tells.
			if _, err := Verify(changed); err == nil && HeadOf(changed) == head {
				t.Fatalf("byte %d changed by %#x: not found out", i, flip)
			} else if err == nil && i < bytes.LastIndexByte(data[:len(data)-1], '\n') {
				t.Fatalf("byte %d changed by %#x: the chain holds", i, flip)
			}
		}
	}
}

func TestVerify_LinesMoved(t *testing.T) {
	data := finished(t)
	lines := bytes.SplitAfter(data, []byte("\n"))
	lines = lines[:len(lines)-1]
	for i := range lines {
		dropped := bytes.Join(append(append([][]byte{}, lines[:i]...), lines[i+1:]...), nil)
		refusedVerify(t, "dropped", dropped)
		doubled := bytes.Join(append(append([][]byte{}, lines[:i+1]...), lines[i:]...), nil)
		refusedVerify(t, "doubled", doubled)
		for k := i + 1; k < len(lines); k++ {
			swapped := append([][]byte{}, lines...)
			swapped[i], swapped[k] = swapped[k], swapped[i]
			refusedVerify(t, "swapped", bytes.Join(swapped, nil))
		}
	}
}

func TestVerify_TailCutAnywhere(t *testing.T) {
	data := finished(t)
	for n := range data {
		refusedVerify(t, "cut", data[:n])
	}
}

func TestVerify_NamesTheLine(t *testing.T) {
	data := finished(t)
	changed := bytes.Replace(data, []byte("touch timed out"), []byte("touch timed uot"), 1)
	if _, err := Verify(changed); err == nil || !strings.Contains(err.Error(), "line 5: prev is") {
		t.Fatalf("got %v, want line 5", err)
	}
	unknown := bytes.Replace(data, []byte(`"kind":"host"`), []byte(`"x":1,"kind":"host"`), 1)
	if _, err := Verify(unknown); err == nil || !strings.Contains(err.Error(), "line 2: not an entry") {
		t.Fatalf("got %v, want line 2", err)
	}
}

func TestRead_Unfinished(t *testing.T) {
	j, path := create(t)
	must(t, j.Note(KindHost, "", nil))
	data := readFile(t, path)
	entries, err := Read(data)
	must(t, err)
	if len(entries) != 2 {
		t.Fatalf("%d entries", len(entries))
	}
	refusedVerify(t, "unfinished", data)
}

func TestOpen_AnyByteChanged(t *testing.T) {
	j, path := create(t)
	must(t, j.Intent("sign fulcio", map[string]string{"serial": "4f"}))
	must(t, j.Note(KindShown, "", map[string]string{"text": "a"}))
	must(t, j.Close())
	data := readFile(t, path)
	last := bytes.LastIndexByte(data[:len(data)-1], '\n') + 1
	dir := t.TempDir()
	for i := range data {
		changed := bytes.Clone(data)
		changed[i] ^= 0x01
		name := filepath.Join(dir, "journal.jsonl")
		must(t, os.WriteFile(name, changed, 0o600))
		j, err := Open(name, testClock, nil)
		if err == nil {
			must(t, j.Close())
			if i < last {
				t.Fatalf("byte %d changed: opened", i)
			}
			continue // only the head, kept elsewhere, covers the last line
		}
		if fault.ExitCode(err) != int(fault.Verification) || fault.Hint(err) == "" {
			t.Fatalf("byte %d changed: %v", i, err)
		}
		if !bytes.Equal(readFile(t, name), changed) {
			t.Fatalf("byte %d changed: the damaged journal was written to", i)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Fatalf("%d files (%v): damage was taken for a torn line", len(left), err)
	}
}

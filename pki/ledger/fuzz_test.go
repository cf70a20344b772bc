package ledger

import (
	"bytes"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/strict"
)

// FuzzLine holds that a line is accepted only in the one form that encode
// writes: decoding and encoding give the same bytes.
func FuzzLine(f *testing.F) {
	for line := range bytes.SplitAfterSeq(bytesOf(f, small(f)), []byte("\n")) {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := decode(line)
		if err != nil {
			if err.Error() == "" {
				t.Fatal("an error without a word")
			}
			return
		}
		again, err := encode(e)
		if err != nil || !bytes.Equal(line, again) {
			t.Fatalf("%q is written as %q, %v", line, again, err)
		}
	})
}

// FuzzPayload holds that whatever a payload says, a line made from it with a
// right sum and place either is refused or leaves a ledger that reads back
// with the same state. The sum keeps FuzzLine from ever reaching the rules.
func FuzzPayload(f *testing.F) {
	for line := range bytes.SplitAfterSeq(bytesOf(f, small(f)), []byte("\n")) {
		f.Add(line)
	}
	ledger := bytesOf(f, newLedger(f, certificate("root", 1, day), certificate("tsa", 1, day), certificate("tsa", 2, after(1))))
	f.Fuzz(func(t *testing.T, line []byte) {
		l, err := Parse(ledger)
		if err != nil {
			t.Fatal(err)
		}
		e := new(Entry)
		if err := strict.JSON(line, e); err != nil {
			return
		}
		lines, err := encodeAll(l.state, l.state.Head, after(100), []Entry{*e})
		if err != nil {
			return
		}
		read, err := Parse(append(bytes.Clone(ledger), lines...))
		if err != nil {
			t.Fatalf("%q was made and is not read: %v", lines, err)
		}
		if read.state.Head != l.state.Head || read.state.Entries != l.state.Entries {
			t.Fatalf("made %s, %d; read %s, %d", l.state.Head, l.state.Entries, read.state.Head, read.state.Entries)
		}
	})
}

// FuzzLedger holds that a ledger that is accepted is the lines that count and
// the torn rest, byte by byte, and that its head is known to it.
func FuzzLedger(f *testing.F) {
	data := bytesOf(f, small(f))
	f.Add(data)
	f.Add(data[:len(data)-30])
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := Parse(data)
		if err != nil {
			return
		}
		var lines []byte
		for i := range l.entries {
			line, err := encode(&l.entries[i])
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, line...)
		}
		if !bytes.Equal(append(lines, l.Torn()...), data) {
			t.Fatal("lines and torn rest are not what was read")
		}
		if err := l.CheckHead(l.State().Head); err != nil {
			t.Fatal(err)
		}
	})
}

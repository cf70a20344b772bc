package ledger

import (
	"bytes"
	"os"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/needs"
)

// Every byte of a ledger is changed: none passes, and none is taken for what a
// crash leaves.
func TestParse_AnyByteChanged(t *testing.T) {
	needs.Time(t)
	changeBytes(t, bytesOf(t, small(t)), func(b byte) []byte { return []byte{b ^ 1} })
	changeBytes(t, tiny(t), func(b byte) []byte { return []byte{b ^ 0x20, '\n', ' ', '0', '}', '"', 0} })
}

// tiny is a ledger of two lines.
func tiny(t *testing.T) []byte {
	t.Helper()
	return bytesOf(t, newLedger(t, logKey("rekor", 1, day)))
}

func changeBytes(t *testing.T, data []byte, others func(byte) []byte) {
	t.Helper()
	for i := range data {
		for _, other := range others(data[i]) {
			if other == data[i] {
				continue
			}
			changed := bytes.Clone(data)
			changed[i] = other
			if _, err := Parse(changed); fault.ExitCode(err) != int(fault.Verification) {
				t.Fatalf("byte %d changed from %q to %q: error %v", i, data[i], other, err)
			}
		}
	}
}

func TestParse_ByteMoreOrLess(t *testing.T) {
	data := tiny(t)
	end := bytes.LastIndexByte(data[:len(data)-1], '\n') + 1 // in the last line it is what a crash leaves
	for i := range end {
		if _, err := Parse(append(bytes.Clone(data[:i]), data[i+1:]...)); err == nil {
			t.Fatalf("byte %d left out: accepted", i)
		}
	}
	for i := range len(data) {
		if _, err := Parse(append(append(bytes.Clone(data[:i]), ' '), data[i:]...)); err == nil {
			t.Fatalf("a space put in before byte %d: accepted", i)
		}
	}
}

func TestParse_LinesLeftOutOrSwapped(t *testing.T) {
	lines := bytes.SplitAfter(bytesOf(t, small(t)), []byte("\n"))
	lines = lines[:len(lines)-1]
	for i := range lines[:len(lines)-1] {
		var without, swapped [][]byte
		without = append(append(without, lines[:i]...), lines[i+1:]...)
		swapped = append(swapped, lines...)
		swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
		if _, err := Parse(bytes.Join(without, nil)); err == nil {
			t.Errorf("line %d left out: accepted", i+1)
		}
		if _, err := Parse(bytes.Join(swapped, nil)); err == nil {
			t.Errorf("lines %d and %d swapped: accepted", i+1, i+2)
		}
	}
}

// A crash may leave any beginning of the last write, and zeros after it.
func TestRead_CutInTheLastLine(t *testing.T) {
	needs.Time(t)
	path := small(t)
	data := bytesOf(t, path)
	end := bytes.LastIndexByte(data[:len(data)-1], '\n') + 1
	want, err := Parse(data[:end])
	if err != nil {
		t.Fatal(err)
	}
	for cut := end; cut < len(data); cut++ {
		for _, zeros := range []int{0, 7} {
			if zeros > 0 && cut == len(data)-1 {
				continue // a whole line with a zero in place of the newline was changed
			}
			torn := append(bytes.Clone(data[end:cut]), make([]byte, zeros)...)
			if err := os.WriteFile(path, append(bytes.Clone(data[:end]), torn...), 0o600); err != nil {
				t.Fatal(err)
			}
			l := mustRead(t, path)
			if !bytes.Equal(l.Torn(), torn) || l.State().Torn != len(torn) || l.State().Head != want.State().Head {
				t.Fatalf("cut at %d: torn %q, head %s", cut, l.Torn(), l.State().Head)
			}
			s, err := Append(path, l.State().Head, after(1000), certificate("tsa", 3, after(30)))
			if err != nil {
				t.Fatalf("cut at %d: %v", cut, err)
			}
			if s.Torn != len(torn) {
				t.Errorf("cut at %d: append cut off %d bytes", cut, s.Torn)
			}
			if l := mustRead(t, path); len(l.Torn()) != 0 || l.State().Entries != want.State().Entries+1 {
				t.Fatalf("cut at %d: not repaired", cut)
			}
		}
	}
}

func TestAppend_RefusedKeepsTheTornLine(t *testing.T) {
	path := small(t)
	data := bytesOf(t, path)
	data = data[:len(data)-20]
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Append(path, "", after(1000), certificate("tsa", 9, day)); err == nil {
		t.Fatal("generation 9 of 2 was added")
	}
	if !bytes.Equal(data, bytesOf(t, path)) {
		t.Error("a refused append changed the ledger")
	}
}

// Several entries of one write count together or not at all.
func TestRead_CutInAWriteOfSeveralLines(t *testing.T) {
	path := newLedger(t)
	before := bytesOf(t, path)
	if _, err := Append(path, "", day, certificate("root", 1, day), certificate("tsa", 1, day), logKey("rekor", 1, day)); err != nil {
		t.Fatal(err)
	}
	data := bytesOf(t, path)
	for cut := len(before); cut < len(data); cut++ {
		l, err := Parse(data[:cut])
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if l.State().Entries != 1 || len(l.Entries()) != 1 || len(l.Torn()) != cut-len(before) || len(l.State().Authorities) != 0 {
			t.Fatalf("cut at %d: %d entries count", cut, l.State().Entries)
		}
		if cut%97 == 0 || bytes.HasSuffix(data[:cut], []byte("\n")) {
			repair(t, path, data[:cut])
		}
	}
}

func repair(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Append(path, "", day, certificate("root", 1, day)); err != nil {
		t.Fatal(err)
	}
	if s := mustRead(t, path).State(); s.Entries != 2 || s.Torn != 0 {
		t.Fatalf("after the repair: %d entries, %d bytes torn", s.Entries, s.Torn)
	}
}

func TestParse_Empty(t *testing.T) {
	data := bytesOf(t, newLedger(t))
	for _, cut := range []int{0, 1, len(data) - 1} {
		if _, err := Parse(data[:cut]); fault.ExitCode(err) != int(fault.Verification) {
			t.Errorf("cut at %d: error %v", cut, err)
		}
	}
}

func TestParse_OverlongLine(t *testing.T) {
	data := append(bytesOf(t, newLedger(t)), bytes.Repeat([]byte("x"), maxLine+1)...)
	if _, err := Parse(append(data, '\n')); err == nil {
		t.Error("accepted")
	}
}

package journal

import (
	"bytes"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/chain"
	"github.com/linnemanlabs/trustroot/internal/digest"
)

// Invariant: lines that are accepted are byte for byte what their entries
// encode to, their digest is the next one's prev, and no step has two results.
func FuzzRead(f *testing.F) {
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := Read(data)
		if err != nil {
			return
		}
		var again bytes.Buffer
		prev := chain.First
		results := map[string]int{}
		for _, e := range entries {
			line, err := e.encode()
			if err != nil || e.Prev != prev {
				t.Fatalf("entry %d: %v, prev %s, want %s", e.Seq, err, e.Prev, prev)
			}
			again.Write(line)
			prev = digest.Hex(line)
			if e.Kind == KindResult {
				results[e.Step]++
			}
			if results[e.Step] > 1 {
				t.Fatalf("entry %d: a second result", e.Seq)
			}
		}
		if !bytes.Equal(again.Bytes(), data) || HeadOf(data) != prev {
			t.Fatal("accepted bytes are not the encoded ones")
		}
	})
}

// Invariant: a line that is accepted encodes to itself.
func FuzzLine(f *testing.F) {
	f.Add([]byte(`{"seq":1,"prev":"","time":"2026-11-02T09:14:03Z","kind":"open","data":{}}` + "\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := parseLine(data)
		if err != nil {
			return
		}
		if again, err := e.encode(); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%q encodes to %q (%v)", data, again, err)
		}
	})
}

// Invariant: what is taken for a torn line is not a whole line and could become
// the next one: it begins like it.
func FuzzTorn(f *testing.F) {
	f.Add([]byte(`{"seq":1,"prev":"` + chain.First + `","time":"20`))
	f.Fuzz(func(t *testing.T, rest []byte) {
		if bytes.IndexByte(rest, '\n') >= 0 || newLines().torn(rest) != nil {
			return
		}
		begin := []byte(`{"seq":1,"prev":"` + chain.First)
		if n := min(len(begin), len(rest)); !bytes.Equal(begin[:n], rest[:n]) {
			t.Fatalf("%q", rest)
		}
	})
}

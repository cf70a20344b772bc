package courier

import (
	"bytes"
	"math"
	"testing"
)

// Invariant: sums that are read list every name once and in order, and no name
// that leads anywhere else.
func FuzzSums(f *testing.F) {
	f.Add(Sums(map[string][]byte{"pki.yaml": nil, "ledger.jsonl": []byte("x")}))
	f.Fuzz(func(t *testing.T, data []byte) {
		listed, err := parseSums(data)
		if err != nil {
			return
		}
		var b bytes.Buffer
		for _, name := range Names(listed) {
			if (Limits{Depth: math.MaxInt}).CheckName(name) != nil {
				t.Fatalf("%q", name)
			}
			b.WriteString(listed[name] + "  " + name + "\n")
		}
		if !bytes.Equal(b.Bytes(), data) {
			t.Fatalf("%q is read as %q", data, b.Bytes())
		}
	})
}

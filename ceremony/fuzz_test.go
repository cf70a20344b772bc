package ceremony

import (
	"crypto/ed25519"
	"crypto/x509"
	"os"
	"testing"
)

// Invariant: a memory that is read is written and read again as the same. The
// key is fixed, and Ed25519 signs alike each time, so that an input covers the
// same code in every process. testdata/memory.der is what certificate once
// wrote.
func FuzzMemory(f *testing.F) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	real, err := os.ReadFile("testdata/memory.der")
	must(f, err)
	f.Add(real)
	c, err := memory{Sequence: 3, LedgerHead: hex64('a'), Request: hex64('b')}.signed(key)
	must(f, err)
	f.Add(c.Raw)
	f.Fuzz(func(t *testing.T, der []byte) {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return
		}
		m, err := parseMemory(c)
		if err != nil {
			return
		}
		again, err := m.signed(key)
		must(t, err)
		if got, err := parseMemory(again); err != nil || got != m {
			t.Fatalf("%v is read as %v: %v", m, got, err)
		}
	})
}

package ceremony

import (
	"crypto/x509"
	"testing"
)

// Invariant: a memory that is read is written and read again as the same.
func FuzzMemory(f *testing.F) {
	c, err := memory{Sequence: 3, LedgerHead: hex64('a'), Request: hex64('b')}.certificate()
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
		again, err := m.certificate()
		must(t, err)
		if got, err := parseMemory(again); err != nil || got != m {
			t.Fatalf("%v is read as %v: %v", m, got, err)
		}
	})
}

package kms

import (
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/kms/local"
	"github.com/linnemanlabs/trustroot/pki"
)

func TestCSR_TwentyKeysThrottledAndTorn(t *testing.T) {
	s := world(t, local.Options{})
	c := client(t, Options{MaxBackoff: time.Millisecond})
	k := create(t, c, "alias/one", "P-384")
	s.SetRules(local.Rules{ThrottleEvery: 2, CutEvery: 5})
	for range 20 {
		if _, _, err := c.CSR(t.Context(), k.ARN, pki.Subject{Organization: "example.org", CommonName: "Example"}, noon); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCSR_RefusesWhatCannotServe(t *testing.T) {
	s := world(t, local.Options{})
	c := client(t, Options{})
	arn := raw(t, c, kmsCreate("ECC_NIST_P384", "EXTERNAL"))
	s.Forget()
	_, _, err := c.CSR(t.Context(), arn, pki.Subject{Organization: "example.org", CommonName: "Example"}, noon)
	if err == nil || count(s)["Sign"] != 0 {
		t.Errorf("an imported key made a request: %v", err)
	}
}

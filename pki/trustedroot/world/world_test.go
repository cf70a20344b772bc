package world

import (
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/testpki"
)

func services(t *testing.T) *Services {
	t.Helper()
	key := testpki.Key(t, elliptic.P256())
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	cert := testpki.Certify(t, ca, ca, key.Public(), key)
	return &Services{Fulcio: cert, FulcioKey: key, TSA: cert, TSAKey: key, CTKey: key, RekorKey: key, RekorOrigin: "rekor.example.org"}
}

func TestSign_Refuses(t *testing.T) {
	key := testpki.Key(t, elliptic.P256())
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		spoil func(s *Services, sig *Signature)
		want  string
	}{
		"no TSA":              {func(s *Services, _ *Signature) { s.TSA = nil }, "a service is missing"},
		"signer not ECDSA":    {func(_ *Services, sig *Signature) { sig.Key = edwards }, "not ECDSA"},
		"identity not a URI":  {func(_ *Services, sig *Signature) { sig.Identity = "://" }, "identity"},
		"origin with a space": {func(s *Services, _ *Signature) { s.RekorOrigin = "rekor example" }, "invalid name"},
	}
	for name, c := range cases {
		s, sig := services(t), Signature{Artifact: []byte("a"), Identity: "https://ci.example.org/build", Issuer: "https://login.example.org", Key: key, At: time.Now()}
		if _, err := s.Sign(sig); err != nil {
			t.Fatalf("good one: %v", err)
		}
		c.spoil(s, &sig)
		if _, err := s.Sign(sig); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want %q", name, err, c.want)
		}
	}
}

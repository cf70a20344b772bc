package anchor_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/services"
	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/internal/testpki/sigstore"
	"github.com/linnemanlabs/trustroot/pki/checkpoint"
)

// below issues a certificate for a new key.
func below(t *testing.T, name string, parent *x509.Certificate, by *ecdsa.PrivateKey, c x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key := testpki.Key(t, elliptic.P384())
	c.SerialNumber, c.Subject = big.NewInt(time.Now().UnixNano()), pkix.Name{Organization: []string{"example.com"}, CommonName: name}
	c.NotBefore, c.NotAfter, c.BasicConstraintsValid = time.Now().Add(-time.Hour), time.Now().Add(time.Hour), true
	if parent == nil {
		parent, by = &c, key
	}
	return testpki.Certify(t, &c, parent, key.Public(), by), key
}

// A CA of the root that is for something else, workloads for instance, may
// issue whatever it likes: no timestamp authority.
func TestVerify_TimestampAuthorityOfAnotherCA(t *testing.T) {
	timeStamping := []pkix.Extension{testpki.Purpose(t, testpki.TimeStamping)}
	ca := x509.Certificate{IsCA: true, KeyUsage: x509.KeyUsageCertSign}
	for name, c := range map[string]struct {
		uses []pkix.Extension
		want string
	}{
		"workloads":    {nil, "CN=workloads,O=example.com is not for timestamp authorities"},
		"timestamp CA": {timeStamping, ""},
	} {
		a := newAnchored(t)
		root, rootKey := below(t, "root", nil, nil, ca)
		between := ca
		between.ExtraExtensions = c.uses
		issuer, issuerKey := below(t, name, root, rootKey, between)
		a.services.TSA, a.services.TSAKey = below(t, "TSA", issuer, issuerKey, x509.Certificate{KeyUsage: x509.KeyUsageDigitalSignature, ExtraExtensions: timeStamping})
		a.subject.Root = root
		tsa, rekor := httptest.NewServer(sigstore.TimestampHandler(a.services, time.Now)), httptest.NewServer(sigstore.NewLog(a.services))
		defer tsa.Close()
		defer rekor.Close()
		logKey, err := checkpoint.New(checkpoint.RekorV2, "rekor.example.com", a.services.RekorKey.Public())
		must(t, err)
		asked := services.Anchorage{TSA: tsa.URL, Rekor: rekor.URL, Logs: []checkpoint.Key{logKey}, Between: []*x509.Certificate{issuer}, Say: t.Logf}
		_, _, err = asked.Anchor(t.Context(), a.subject)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

package adopt_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/adopt"
	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/lint"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// handMade is a hierarchy as people make it with openssl and an editor: two
// generations of Fulcio CA, TSA and log keys, serial numbers that run on, one
// of which nobody has, and a trusted_root.json whose log windows stand where
// strict parsers refuse them.
type handMade struct {
	dir         string
	trustedRoot string
	root        *x509.Certificate
	rootKey     *ecdsa.PrivateKey
	serial      *big.Int
	missing     string
	plan        *plan.Plan
	linter      *lint.Linter
}

var (
	firstDay  = time.Date(2026, 3, 13, 8, 8, 38, 0, time.UTC)
	secondDay = time.Date(2026, 5, 24, 18, 41, 3, 0, time.UTC)
	switched  = time.Date(2026, 5, 25, 2, 30, 0, 0, time.UTC)
	adopting  = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
)

func newHandMade(t *testing.T) *handMade {
	t.Helper()
	serial, err := pki.NewSerial(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	// leave room to count up without a carry in the way
	serial.SetBit(serial, 0, 0).SetBit(serial, 1, 0).SetBit(serial, 2, 0).SetBit(serial, 3, 0)
	h := &handMade{dir: t.TempDir(), serial: serial, plan: exampleHierarchy(t), linter: lint.New()}
	h.rootKey = testpki.Key(t, elliptic.P384())
	h.root = h.makeRoot(t)
	h.issue(t, "spire", firstDay.AddDate(0, 0, 2), testpki.Key(t, elliptic.P384()).Public(), "spire-ca.crt")
	fulcio1 := h.issue(t, "fulcio", firstDay.AddDate(0, 0, 3), testpki.Key(t, elliptic.P384()).Public(), "old/fulcio-ca.crt")
	tsa1 := h.issue(t, "tsa", firstDay.AddDate(0, 0, 3), testpki.Key(t, elliptic.P384()).Public(), "old/tsa.crt")
	h.next()
	h.missing = h.serial.Text(16)
	fulcio2 := h.issue(t, "fulcio", secondDay, testpki.Key(t, elliptic.P384()).Public(), "fulcio-ca.crt")
	tsa2 := h.issue(t, "tsa", secondDay.Add(21*time.Second), testpki.Key(t, elliptic.P384()).Public(), "tsa.crt")
	log := func(url string, start time.Time, end *time.Time) map[string]any {
		der := testpki.SPKI(t, testpki.Key(t, elliptic.P256()).Public())
		id := sha256.Sum256(der)
		return map[string]any{
			"baseUrl": url, "hashAlgorithm": "SHA2_256",
			"publicKey": map[string]any{"rawBytes": base64.StdEncoding.EncodeToString(der), "keyDetails": "PKIX_ECDSA_P256_SHA_256"},
			"logId":     map[string]any{"keyId": base64.StdEncoding.EncodeToString(id[:])},
			"validFor":  window(start, end), // belongs into publicKey
		}
	}
	ca := func(uri string, end *time.Time, chain ...*x509.Certificate) map[string]any {
		var list []map[string]any
		for _, c := range chain {
			list = append(list, map[string]any{"rawBytes": base64.StdEncoding.EncodeToString(c.Raw)})
		}
		return map[string]any{
			"subject": map[string]any{"organization": "linnemanlabs.com", "commonName": chain[0].Subject.CommonName}, "uri": uri,
			"certChain": map[string]any{"certificates": list}, "validFor": window(chain[0].NotBefore, end),
		}
	}
	const rekor, ct = "https://rekor.linnemanlabs.com", "https://ctlog.linnemanlabs.com/2026"
	h.trustedRoot = filepath.Join(h.dir, "trusted_root.json")
	h.writeJSON(t, h.trustedRoot, map[string]any{
		"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
		"tlogs":     []any{log(rekor, firstDay, &secondDay), log(rekor, secondDay, nil)},
		"ctlogs":    []any{log(ct, firstDay, &secondDay), log(ct, secondDay, nil)},
		"certificateAuthorities": []any{
			ca("https://fulcio.linnemanlabs.com", &fulcio2.NotBefore, fulcio1, h.root), ca("https://fulcio.linnemanlabs.com", nil, fulcio2, h.root)},
		"timestampAuthorities": []any{
			ca("https://tsa.linnemanlabs.com/api/v1/timestamp", &tsa2.NotBefore, tsa1, h.root), ca("https://tsa.linnemanlabs.com/api/v1/timestamp", nil, tsa2, h.root)},
	})
	return h
}

func window(start time.Time, end *time.Time) map[string]any {
	w := map[string]any{"start": start.Format(time.RFC3339)}
	if end != nil {
		w["end"] = end.Format(time.RFC3339)
	}
	return w
}

func (h *handMade) next() { h.serial.Add(h.serial, big.NewInt(1)) }

// issue makes a certificate of the plan at a time, with the next serial.
func (h *handMade) issue(t *testing.T, name string, from time.Time, key crypto.PublicKey, file string) *x509.Certificate {
	t.Helper()
	h.next()
	return h.issueWith(t, name, from, key, file, new(big.Int).Set(h.serial))
}

func (h *handMade) issueWith(t *testing.T, name string, from time.Time, key crypto.PublicKey, file string, serial *big.Int) *x509.Certificate {
	t.Helper()
	spec, err := h.plan.Spec(name, 1)
	if err != nil {
		t.Fatal(err)
	}
	spec.PublicKey, spec.Serial = key, serial
	spec.NotBefore, spec.NotAfter = from, h.plan.Authorities[name].Validity.NotAfter(from).Add(time.Second) // openssl -days
	var chain []*x509.Certificate
	if name != plan.RootAuthority {
		spec.Issuer, chain = h.root, []*x509.Certificate{h.root}
	}
	prepared, err := pki.Prepare(spec, chain, h.linter)
	if err != nil {
		t.Fatal(err)
	}
	c, err := prepared.Issue(h.rootKey)
	if err != nil {
		t.Fatal(err)
	}
	text, err := pki.EncodeCertificate(c)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(h.dir, file)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

// makeRoot draws the root's serial apart from the ones that run on.
func (h *handMade) makeRoot(t *testing.T) *x509.Certificate {
	t.Helper()
	serial, err := pki.NewSerial(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return h.issueWith(t, "root", firstDay, h.rootKey.Public(), "root-ca.crt", serial)
}

func (h *handMade) writeJSON(t *testing.T, path string, v any) {
	t.Helper()
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// answers are what the first user would answer.
func (h *handMade) answers() adopt.Options {
	o := adopt.Options{
		Paths: []string{h.dir}, TrustedRoot: h.trustedRoot, By: "alice",
		Answers: map[string]string{
			"root-key": "once,always", "missing." + h.missing: "signed with a typing error, never published",
			"cutovers": "each", "keys": "unknown", "repairs": "agreed",
		},
	}
	for _, name := range []string{"fulcio", "tsa", "rekor", "ctlog"} {
		o.Answers["cutover."+name+".2"] = switched.Format(time.RFC3339)
	}
	return o
}

func exampleHierarchy(t testing.TB) *plan.Plan {
	t.Helper()
	const path = "../draft/testdata/linnemanlabs.yaml"
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Parse(path, data)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

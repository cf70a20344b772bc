package request

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

const (
	testARN  = "arn:aws:kms:eu-central-1:111122223333:key/"
	uuidForm = "00000000-0000-4000-8000-%012d"
)

var created = time.Date(2026, 10, 30, 8, 30, 15, 0, time.UTC)

// world is an organization before its first ceremony, with real keys.
type world struct {
	t      *testing.T
	keys   map[string]*ecdsa.PrivateKey // by "fulcio/1"
	plan   string
	ledger string // path
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, keys: map[string]*ecdsa.PrivateKey{}, ledger: filepath.Join(t.TempDir(), "ledger.jsonl")}
	for _, name := range []string{"root/1", "fulcio/1", "fulcio/2", "tsa/1", "spire/1"} {
		w.keys[name] = testpki.Key(t, elliptic.P384())
	}
	w.keys["rekor/1"], w.keys["online/1"] = testpki.Key(t, elliptic.P256()), testpki.Key(t, elliptic.P256())
	w.plan = w.render()
	must(t, ledger.Create(w.ledger, ledger.Created{Organization: "example.com"}, created))
	return w
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) pin(key string) string {
	w.t.Helper()
	pin, err := pki.SPKISHA256(w.keys[key].Public())
	must(w.t, err)
	return pin
}

func arn(n int) string { return testARN + fmt.Sprintf(uuidForm, n) }

func (w *world) render() string {
	return strings.NewReplacer(
		"FULCIO1", w.pin("fulcio/1"), "FULCIO2", w.pin("fulcio/2"), "TSA1", w.pin("tsa/1"),
		"SPIRE1", w.pin("spire/1"), "REKOR1", w.pin("rekor/1"), "ONLINE1", w.pin("online/1"),
		"ARN1", arn(1), "ARN2", arn(2), "ARN3", arn(3), "ARN4", arn(4), "ARN5", arn(5),
	).Replace(testPlan)
}

const testPlan = `version: 1
organization: example.com
authorities:
  root:
    profile: root
    subject: {organization: example.com, common_name: Example Root CA}
    validity: 10y
    algorithm: P-384
    token: {slot: "9c", pin: always, touch: always}
    generations:
      - {generation: 1, ceremony: founding}
  fulcio:
    profile: fulcio-ca
    subject: {organization: example.com, common_name: Example Fulcio CA, encoding: printable}
    validity: 3y
    algorithm: P-384
    url: https://fulcio.example.com
    name_constraints:
      permitted: {dns: [example.com, .example.com]}
    policies:
      - {oid: 1.3.6.1.4.1.65302.1.3, cps: "https://trust.example.com/cps"}
    generations:
      - {generation: 1, key: "ARN1", spki_sha256: FULCIO1, ceremony: founding}
      - {generation: 2, key: "ARN2", spki_sha256: FULCIO2, ceremony: renewal}
  tsa:
    profile: tsa
    subject: {organization: example.com, common_name: Example TSA}
    validity: 3y
    algorithm: P-384
    url: https://tsa.example.com/api/v1/timestamp
    generations:
      - {generation: 1, key: "ARN3", spki_sha256: TSA1, ceremony: founding}
  spire:
    profile: spiffe-ca
    subject: {organization: example.com, common_name: Example SPIRE CA}
    validity: 3y
    algorithm: P-384
    uris: ["spiffe://example.com"]
    generations:
      - {generation: 1, key: external, spki_sha256: SPIRE1, ceremony: renewal}
logs:
  rekor:
    kind: rekor-v2
    origin: rekor.example.com
    url: https://rekor.example.com
    algorithm: P-256
    generations:
      - {generation: 1, key: "ARN4", spki_sha256: REKOR1, start: 2026-11-02T09:00:00Z}
holders:
  ada: {token: 20000001, slot: "9a"}
  ben: {token: 20000002, slot: "9a"}
tuf:
  url: https://tuf.example.com
  root: {holders: [ada, ben], threshold: 2, expiry: 197d, resign: 46d}
  targets: {holders: [ada, ben], threshold: 2, expiry: 3650d, resign: 31d}
  snapshot: {expiry: 3650d, resign: 365d}
  timestamp: {expiry: 7d, resign: 6d}
  online_key: {generation: 1, key: "ARN5", spki_sha256: ONLINE1}
ceremonies:
  founding:
    day: "2026-11-02"
    not_before: 2026-11-02T09:00:00Z
    token: 10000001
  renewal:
    day: "2028-11-06"
    not_before: 2028-11-06T09:00:00Z
    token: 10000001
`

// csr is a certification request, PEM, by one of the world's keys.
func (w *world) csr(key, commonName string) []byte {
	w.t.Helper()
	der, err := pki.NewRequest(pki.Subject{Organization: "example.com", CommonName: commonName}, w.keys[key])
	must(w.t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
}

func (w *world) evidence(key string, n int) []byte {
	w.t.Helper()
	data, err := pki.KeyEvidence{ARN: arn(n), Describe: pki.KeyDescription{Spec: "ECC_NIST_P384"}, SPKISHA256: w.pin(key), Time: created}.Marshal()
	must(w.t, err)
	return data
}

func (w *world) ledgerBytes() []byte {
	w.t.Helper()
	data, err := os.ReadFile(w.ledger)
	must(w.t, err)
	return data
}

// founding is the input of the first request.
func (w *world) founding() Input {
	return Input{
		Ceremony: "founding", Sequence: 1, Plan: []byte(w.plan), Ledger: w.ledgerBytes(), Created: created,
		Files: map[string][]byte{
			"authorities/fulcio/g1/request.csr": w.csr("fulcio/1", "Example Fulcio CA"),
			"authorities/fulcio/g1/key.json":    w.evidence("fulcio/1", 1),
			"authorities/tsa/g1/request.csr":    w.csr("tsa/1", "Example TSA"),
			"authorities/tsa/g1/key.json":       w.evidence("tsa/1", 3),
		},
	}
}

type noLint struct{}

func (noLint) Lint(*x509.Certificate, []*x509.Certificate) error { return nil }

// issue makes the certificate of an authority's first generation.
func (w *world) issue(name string, issuer *x509.Certificate) *x509.Certificate {
	w.t.Helper()
	p, err := plan.Parse(PlanFile, []byte(w.plan))
	must(w.t, err)
	spec, err := p.Spec(name, 1)
	must(w.t, err)
	spec.PublicKey, spec.Issuer = w.keys[name+"/1"].Public(), issuer
	spec.Serial, err = pki.NewSerial(rand.Reader)
	must(w.t, err)
	var chain []*x509.Certificate
	if issuer != nil {
		chain = append(chain, issuer)
	}
	prepared, err := pki.Prepare(spec, chain, noLint{})
	must(w.t, err)
	certificate, err := prepared.Issue(w.keys["root/1"])
	must(w.t, err)
	return certificate
}

// found holds the first ceremony, and returns the files that it left.
func (w *world) found() map[string][]byte {
	w.t.Helper()
	files := map[string][]byte{}
	var entries []ledger.Entry
	entries = append(entries, ledger.Entry{Request: &ledger.Request{Sequence: 1, Ceremony: "founding", Digest: strings.Repeat("ab", 32)}})
	var root *x509.Certificate
	for _, name := range []string{"root", "fulcio", "tsa"} {
		c := w.issue(name, root)
		if root == nil {
			root = c
		}
		text, err := pki.EncodeCertificate(c)
		must(w.t, err)
		dir := "authorities/" + name + "/g1/"
		files[dir+"certificate.pem"] = text
		entries = append(entries, ledger.Entry{Certificate: &ledger.Certificate{
			Authority: name, Generation: 1, Profile: name, Serial: ledger.SerialHex(c.SerialNumber), SPKISHA256: w.pin(name + "/1"),
			Issuer: "root", NotBefore: c.NotBefore, NotAfter: c.NotAfter, Ceremony: "founding",
			File:  ledger.File{Path: dir + "certificate.pem", SHA256: digest.Hex(text)},
			Chain: ledger.File{Path: dir + "chain.pem", SHA256: digest.Hex(text)},
		}})
	}
	_, err := ledger.Append(w.ledger, "", created.AddDate(0, 0, 4), entries...)
	must(w.t, err)
	return files
}

// renewal is the input of the second request: Fulcio's second key, and SPIRE's
// from a file.
func (w *world) renewal() Input {
	w.t.Helper()
	files := w.found()
	delete(files, "authorities/tsa/g1/certificate.pem")
	maps.Copy(files, map[string][]byte{
		"authorities/fulcio/g2/request.csr": w.csr("fulcio/2", "Example Fulcio CA"),
		"authorities/fulcio/g2/key.json":    w.evidence("fulcio/2", 2),
		"authorities/spire/g1/request.csr":  w.csr("spire/1", "Example SPIRE CA"),
	})
	return Input{
		Ceremony: "renewal", Sequence: 2, Plan: []byte(w.plan), Ledger: w.ledgerBytes(),
		Created: created.AddDate(2, 0, 0), Files: files, External: []string{"spire"},
	}
}

// create makes a request in a new folder.
func create(t *testing.T, in Input) *Request {
	t.Helper()
	r, err := Create(filepath.Join(t.TempDir(), folderName(in.Sequence, in.Ceremony)), in)
	must(t, err)
	return r
}

// refused wants a verification fault that names every one of these.
func refused(t *testing.T, err error, names ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("not refused; want %q", names)
	}
	if fault.ExitCode(err) != int(fault.Verification) || fault.Hint(err) == "" {
		t.Errorf("exit code %d, hint %q: %v", fault.ExitCode(err), fault.Hint(err), err)
	}
	for _, name := range names {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("the error does not name %q:\n%v", name, err)
		}
	}
}

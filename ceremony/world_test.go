package ceremony

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/lint"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

const rootToken = 10000001

// world is an organization with its KMS keys and the root's token.
type world struct {
	t      testing.TB
	dir    string
	now    time.Time
	chip   *chip
	keys   map[string]*ecdsa.PrivateKey // by "fulcio/1"
	plan   string
	ledger string            // path
	tsa    *x509.Certificate // of the record that was anchored last
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), now: time.Now().UTC().Truncate(time.Second), chip: newChip(t, rootToken), keys: map[string]*ecdsa.PrivateKey{}}
	for _, name := range []string{"fulcio/1", "fulcio/2", "tsa/1"} {
		w.keys[name] = testpki.Key(t, elliptic.P384())
	}
	w.keys["rekor/1"] = testpki.Key(t, elliptic.P256())
	w.plan = w.render()
	w.ledger = filepath.Join(w.dir, "ledger.jsonl")
	must(t, ledger.Create(w.ledger, ledger.Created{Organization: "example.com REHEARSAL", Rehearsal: true}, w.now.Add(-time.Hour)))
	must(t, os.Mkdir(w.out(), 0o700))
	return w
}

func (w *world) out() string { return filepath.Join(w.dir, "stick") }

const testPlan = `version: 1
organization: example.com REHEARSAL
authorities:
  root:
    profile: root
    subject: {organization: example.com REHEARSAL, common_name: Example Root CA}
    validity: 10y
    algorithm: P-384
    token: {slot: "9c", pin: always, touch: always}
    generations:
      - {generation: 1, ceremony: founding}
  fulcio:
    profile: fulcio-ca
    subject: {organization: example.com REHEARSAL, common_name: Example Fulcio CA}
    validity: 3y
    algorithm: P-384
    url: https://fulcio.example.com
    generations:
      - {generation: 1, key: "ARN1", spki_sha256: FULCIO1, ceremony: founding}
      - {generation: 2, key: "ARN2", spki_sha256: FULCIO2, ceremony: renewal}
  tsa:
    profile: tsa
    subject: {organization: example.com REHEARSAL, common_name: Example TSA}
    validity: 3y
    algorithm: P-384
    url: https://tsa.example.com/api/v1/timestamp
    generations:
      - {generation: 1, key: "ARN3", spki_sha256: TSA1, ceremony: founding}
logs:
  rekor:
    kind: rekor-v2
    origin: rekor.example.com
    url: https://rekor.example.com
    algorithm: P-256
    generations:
      - {generation: 1, key: "ARN4", spki_sha256: REKOR1}
holders:
  ada: {token: 20000001, slot: "9a"}
ceremonies:
  founding:
    day: "DAY"
    not_before: DAYT00:00:00Z
    token: 10000001
    operators: [Ada, Ben]
    witnesses: [Cy]
  renewal:
    day: "DAY"
    not_before: DAYT00:00:00Z
    token: 10000001
rehearsal:
  attestation_roots: |
ROOTS`

func (w *world) render() string {
	root := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.chip.Root}))
	return strings.NewReplacer(
		"FULCIO1", w.pin("fulcio/1"), "FULCIO2", w.pin("fulcio/2"), "TSA1", w.pin("tsa/1"),
		"REKOR1", w.pin("rekor/1"), "ARN4", arn(4),
		"ARN1", arn(1), "ARN2", arn(2), "ARN3", arn(3), "DAY", w.now.Format(time.DateOnly),
		"ROOTS", "    "+strings.ReplaceAll(strings.TrimSpace(root), "\n", "\n    ")+"\n",
	).Replace(testPlan)
}

func arn(n int) string {
	return fmt.Sprintf("arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-4000-8000-%012d", n)
}

func (w *world) pin(key string) string {
	w.t.Helper()
	pin, err := pki.SPKISHA256(w.keys[key].Public())
	must(w.t, err)
	return pin
}

// keyFiles are a KMS key's request and evidence.
func (w *world) keyFiles(files map[string][]byte, name string, generation, n int, commonName string) {
	w.t.Helper()
	key := fmt.Sprintf("%s/%d", name, generation)
	der, err := pki.NewRequest(pki.Subject{Organization: "example.com REHEARSAL", CommonName: commonName}, w.keys[key])
	must(w.t, err)
	dir := fmt.Sprintf("authorities/%s/g%d/", name, generation)
	files[dir+"request.csr"] = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	evidence, err := pki.KeyEvidence{ARN: arn(n), SPKISHA256: w.pin(key), Time: w.now}.Marshal()
	must(w.t, err)
	files[dir+"key.json"] = evidence
}

func (w *world) request(ceremony string, sequence int, files map[string][]byte) *request.Request {
	w.t.Helper()
	text, err := os.ReadFile(w.ledger)
	must(w.t, err)
	r, err := request.Create(filepath.Join(w.t.(interface{ TempDir() string }).TempDir(), fmt.Sprintf("%04d-%s", sequence, ceremony)), request.Input{
		Ceremony: ceremony, Sequence: sequence, Plan: []byte(w.plan), Ledger: text, Created: w.now, Files: files,
	})
	must(w.t, err)
	return r
}

// founding is the request of the first ceremony.
func (w *world) founding() *request.Request {
	files := map[string][]byte{}
	w.keyFiles(files, "fulcio", 1, 1, "Example Fulcio CA")
	w.keyFiles(files, "tsa", 1, 3, "Example TSA")
	return w.request("founding", 1, files)
}

// renewal accepts the first ceremony's record and returns the second's request.
func (w *world) renewal(v *Verified) *request.Request {
	w.t.Helper()
	files := map[string][]byte{}
	sum := v.Request.Digest()
	entries := []ledger.Entry{{Request: &ledger.Request{Sequence: 1, Ceremony: "founding", Digest: fmt.Sprintf("%x", sum)}}}
	for _, i := range v.Issued {
		dir := fmt.Sprintf("authorities/%s/g%d/", i.Authority, i.Generation)
		if i.Authority != "tsa" {
			files[dir+"certificate.pem"] = i.Leaf
		}
		spki, err := pki.SPKISHA256(i.Certificate.PublicKey)
		must(w.t, err)
		entries = append(entries, ledger.Entry{Certificate: &ledger.Certificate{
			Authority: i.Authority, Generation: i.Generation, Profile: v.Request.Plan.Authorities[i.Authority].Profile,
			Serial: ledger.SerialHex(i.Certificate.SerialNumber), SPKISHA256: spki, Issuer: "root",
			NotBefore: i.Certificate.NotBefore.UTC(), NotAfter: i.Certificate.NotAfter.UTC(), Ceremony: "founding",
			File:  ledger.File{Path: dir + "certificate.pem", SHA256: digest.Hex(i.Leaf)},
			Chain: ledger.File{Path: dir + "chain.pem", SHA256: digest.Hex(i.Chain)},
		}})
	}
	_, err := ledger.Append(w.ledger, "", w.now, entries...)
	must(w.t, err)
	w.keyFiles(files, "fulcio", 2, 2, "Example Fulcio CA")
	return w.request("renewal", 2, files)
}

// cleanHost is an air-gapped machine.
func cleanHost() Host {
	return Host{Version: "test", BinarySHA256: strings.Repeat("ab", 32), OutMode: "-rwx------", OutFree: 1 << 30, Entropy: 256}
}

func script() *term.Script {
	return &term.Script{Out: io.Discard, Secrets: func(string) ([]byte, error) { return []byte("123456"), nil }}
}

// options are those of a day on which nothing goes wrong.
func (w *world) options(r *request.Request) Options {
	w.t.Helper()
	roots, err := Roots(r.Plan, true)
	must(w.t, err)
	operator := script()
	return Options{
		Request: r, Serial: rootToken, Out: w.out(), Operator: operator, Linter: lint.New(), Open: w.chip.open(operator),
		Roots: roots, Now: w.now, Host: cleanHost(),
	}
}

func (w *world) verify(path string) *Verified {
	w.t.Helper()
	v, err := Verify(path, VerifyOptions{Linter: lint.New(), Rehearsal: true})
	must(w.t, err)
	return v
}

// hold runs a ceremony to its end.
func (w *world) hold(r *request.Request) *Verified {
	w.t.Helper()
	path, err := Run(context.Background(), w.options(r))
	must(w.t, err)
	return w.verify(path)
}

// refused wants an error with this code that says why.
func refused(t testing.TB, err error, code fault.Code, why string) {
	t.Helper()
	if err == nil || fault.ExitCode(err) != int(code) || !strings.Contains(err.Error(), why) {
		t.Errorf("want exit code %d and %q, got %d: %v", code, why, fault.ExitCode(err), err)
	}
}

// noLint takes every certificate.
type noLint struct{}

func (noLint) Lint(*x509.Certificate, []*x509.Certificate) error { return nil }

func (noLint) LintCRL(*x509.RevocationList, *x509.Certificate) error { return nil }

// newWorldPlan is the plan's ceremony on this very day.
func newWorldPlan(t *testing.T) plan.Ceremony {
	t.Helper()
	w := newWorld(t)
	return w.founding().Plan.Ceremonies["founding"]
}

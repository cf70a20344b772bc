package adopt_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/publish"
	"github.com/linnemanlabs/trustroot/internal/status"
	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/lint"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// crowded makes a trust directory with n generations: half of them
// certificates of a Fulcio CA, half keys of a Rekor log, each cut over.
func crowded(t testing.TB, n int) string {
	t.Helper()
	dir := t.TempDir()
	w := &crowd{TB: t, dir: dir, linter: lint.New(), root: testpki.Key(t, elliptic.P256())}
	w.write("pki.yaml", []byte(crowdPlan))
	p, err := plan.Parse("pki.yaml", []byte(crowdPlan))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "ledger.jsonl")
	if err := ledger.Create(path, ledger.Created{Organization: p.Organization}, adopting); err != nil {
		t.Fatal(err)
	}
	w.certificate("root", nil, 1, firstDay, w.root.Public())
	w.log("ct", plan.StaticCT, "ct.example.com/2026", 1, firstDay)
	key := testpki.Key(t, elliptic.P256()).Public()
	for i := range n / 2 {
		at := firstDay.Add(time.Duration(i) * time.Minute)
		w.certificate("fulcio", w.made, i+1, at, key)
		w.log("rekor", plan.RekorV2, "rekor.example.com", i+1, at)
		if i > 0 {
			w.entries = append(w.entries, ledger.Entry{Cutover: &ledger.Cutover{Names: []string{"fulcio", "rekor"}, At: at.Add(30 * time.Second)}})
		}
	}
	if _, err := ledger.Append(path, "", adopting, w.entries...); err != nil {
		t.Fatal(err)
	}
	return dir
}

const crowdPlan = `version: 1
organization: example.com
authorities:
  root:
    profile: root
    subject: {organization: example.com, common_name: Example Root CA}
    validity: 10y
    algorithm: P-384
    token: {slot: "9c", pin: always, touch: always}
    generations: [{generation: 1}]
  fulcio:
    profile: fulcio-ca
    subject: {organization: example.com, common_name: Example Fulcio CA}
    validity: 3y
    algorithm: P-384
    url: https://fulcio.example.com
    generations: [{generation: 1}]
logs:
  rekor:
    kind: rekor-v2
    origin: rekor.example.com
    url: https://rekor.example.com
    algorithm: P-256
    generations: [{generation: 1}]
  ct:
    kind: static-ct
    origin: ct.example.com/2026
    url: https://ct.example.com/2026
    algorithm: P-256
    generations: [{generation: 1}]
`

type crowd struct {
	testing.TB
	dir     string
	linter  *lint.Linter
	root    *ecdsa.PrivateKey
	made    *x509.Certificate // the root
	entries []ledger.Entry
}

func (w *crowd) write(name string, data []byte) ledger.File {
	path := filepath.Join(w.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		w.Fatal(err)
	}
	return ledger.File{Path: name, SHA256: digest.Hex(data)}
}

// certificate signs without linting: there are thousands.
func (w *crowd) certificate(name string, issuer *x509.Certificate, generation int, from time.Time, key crypto.PublicKey) {
	serial, err := pki.NewSerial(rand.Reader)
	if err != nil {
		w.Fatal(err)
	}
	id := sha256.Sum256([]byte(name))
	template := &x509.Certificate{
		SerialNumber: new(big.Int).Set(serial), NotBefore: from, NotAfter: from.AddDate(3, 0, 0),
		BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign, SubjectKeyId: id[:20],
	}
	subject, err := pki.Subject{Organization: "example.com", CommonName: "Example " + name}.DER()
	if err != nil {
		w.Fatal(err)
	}
	template.RawSubject = subject
	profile := pki.ProfileFulcioCA
	if issuer == nil {
		profile, issuer = pki.ProfileRoot, template
		template.MaxPathLenZero, template.MaxPathLen, template.KeyUsage = false, -1, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
		template.NotAfter = from.AddDate(10, 0, 0)
	} else {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
	}
	c := testpki.Certify(w, template, issuer, key, w.root)
	chain := []*x509.Certificate{c}
	if w.made == nil {
		w.made = c
	} else {
		chain = append(chain, w.made)
	}
	leaf, err := pki.EncodeCertificate(c)
	if err != nil {
		w.Fatal(err)
	}
	all, err := pki.EncodeCertificates(chain)
	if err != nil {
		w.Fatal(err)
	}
	at := fmt.Sprintf("authorities/%s/g%d/", name, generation)
	w.entries = append(w.entries, ledger.Entry{Certificate: &ledger.Certificate{
		Authority: name, Generation: generation, Profile: profile, Serial: ledger.SerialHex(serial), SPKISHA256: digest.Hex(c.RawSubjectPublicKeyInfo),
		Issuer: "root", NotBefore: c.NotBefore, NotAfter: c.NotAfter,
		File: w.write(at+"certificate.pem", leaf), Chain: w.write(at+"chain.pem", all),
	}})
}

func (w *crowd) log(name, kind, origin string, generation int, from time.Time) {
	key := testpki.Key(w, elliptic.P256()).Public()
	text, err := pki.EncodePublicKey(key)
	if err != nil {
		w.Fatal(err)
	}
	id, err := pki.SPKISHA256(key)
	if err != nil {
		w.Fatal(err)
	}
	w.entries = append(w.entries, ledger.Entry{Log: &ledger.Log{
		Name: name, Generation: generation, Kind: kind, Origin: origin, URL: "https://" + origin,
		LogID: id, Start: from, File: w.write(fmt.Sprintf("logs/%s/g%d/key.pem", name, generation), text),
	}})
}

// BenchmarkGenerations shows that what a person runs every day stays linear:
// the time for each generation is the same with a thousand and ten thousand.
func BenchmarkGenerations(b *testing.B) {
	open := func(b *testing.B, dir string) *trustdir.Dir {
		b.Helper()
		d, err := trustdir.Open(dir)
		if err != nil {
			b.Fatal(err)
		}
		return d
	}
	for _, n := range []int{1_000, 10_000} {
		dir := crowded(b, n)
		for _, part := range []struct {
			name string
			run  func(b *testing.B)
		}{
			{"ledger-verify", func(b *testing.B) {
				b.Helper()
				d := open(b, dir)
				if err := d.Ledger.VerifyFiles(d.FS()); err != nil {
					b.Fatal(err)
				}
			}},
			{"status", func(b *testing.B) {
				b.Helper()
				d := open(b, dir)
				s, err := status.Read(d, b.Context(), adopting)
				if err != nil || len(s.Items) != n+n/2+1 {
					b.Fatal(err, len(s.Items))
				}
				if text := status.Tree(d, s.At, true) + s.Calendar(100); len(text) < 100*n {
					b.Fatal("the drawing is too short")
				}
			}},
			{"trusted-root-build", func(b *testing.B) {
				b.Helper()
				if _, err := publish.TrustedRoot(open(b, dir)); err != nil {
					b.Fatal(err)
				}
			}},
		} {
			b.Run(fmt.Sprintf("%s/generations=%d", part.name, n), func(b *testing.B) {
				for b.Loop() {
					part.run(b)
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(n), "µs/generation")
			})
		}
	}
}

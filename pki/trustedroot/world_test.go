package trustedroot

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// Instants of the test world, in the order in which they pass.
var (
	dayOne   = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC) // generation 1 opens
	before   = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC) // generation 1 signs
	dayTwo   = time.Date(2028, 6, 1, 12, 0, 0, 0, time.UTC) // generation 2 opens
	switched = time.Date(2028, 7, 1, 12, 0, 0, 0, time.UTC) // services seen to use generation 2
	after    = time.Date(2028, 8, 1, 12, 0, 0, 0, time.UTC) // generation 2 signs
)

// issuer is a certificate and its key, with the chain that it stands on.
type issuer struct {
	cert  *x509.Certificate
	key   testpki.Fixed
	chain []*x509.Certificate // leaf-first, with cert
}

// world is a trust directory in memory, and the keys behind it.
type world struct {
	plan    *plan.Plan
	state   *ledger.State
	files   fstest.MapFS
	root    issuer
	fulcio  []issuer // by generation
	tsa     []issuer
	rekor   []crypto.Signer
	ct      []testpki.Fixed
	serials int64
}

// newWorld returns a world of one or two generations of everything below the
// root. With two, the first is closed by a cutover.
func newWorld(t testing.TB, generations int) *world {
	t.Helper()
	return newWorldOf(t, "example.org", generations)
}

// worlds keeps what was issued once: P-384 signatures are slow under -race.
var worlds sync.Map

func newWorldOf(t testing.TB, organization string, generations int) *world {
	t.Helper()
	return newWorldOn(t, elliptic.P384(), organization, generations)
}

// newWorldOn makes a world whose authorities have keys on another curve than
// P-384, for tests that verify a great deal.
func newWorldOn(t testing.TB, curve elliptic.Curve, organization string, generations int) *world {
	t.Helper()
	name := fmt.Sprintf("%s/%d/%s", organization, generations, curve.Params().Name)
	if w, ok := worlds.Load(name); ok {
		return w.(*world).clone()
	}
	w := issueWorld(t, curve, organization, generations)
	worlds.Store(name, w)
	return w.clone()
}

// clone copies whatever a test may change.
func (w *world) clone() *world {
	c, p, s := *w, *w.plan, *w.state
	c.plan, c.state, c.files = &p, &s, fstest.MapFS{}
	p.Authorities, p.Logs = maps.Clone(p.Authorities), maps.Clone(p.Logs)
	s.Authorities, s.Logs = cloneGenerations(s.Authorities), cloneGenerations(s.Logs)
	for path, f := range w.files {
		c.files[path] = &fstest.MapFile{Data: bytes.Clone(f.Data), Mode: f.Mode}
	}
	c.fulcio, c.tsa = slices.Clone(w.fulcio), slices.Clone(w.tsa)
	c.rekor, c.ct = slices.Clone(w.rekor), slices.Clone(w.ct)
	return &c
}

func cloneGenerations(in map[string][]ledger.Generation) map[string][]ledger.Generation {
	out := map[string][]ledger.Generation{}
	for name, list := range in {
		list = slices.Clone(list)
		for i, g := range list {
			if g.Certificate != nil {
				list[i].Certificate = new(*g.Certificate)
			}
			if g.Log != nil {
				list[i].Log = new(*g.Log)
			}
			if g.End != nil {
				list[i].End = new(*g.End)
			}
		}
		out[name] = list
	}
	return out
}

func issueWorld(t testing.TB, curve elliptic.Curve, organization string, generations int) *world {
	t.Helper()
	w := &world{files: fstest.MapFS{}}
	subject := func(cn string) pki.Subject { return pki.Subject{Organization: organization, CommonName: cn} }
	w.plan = &plan.Plan{
		Version:      1,
		Organization: organization,
		Authorities: map[string]plan.Authority{
			"root":   {Profile: "root", Subject: subject("Root CA")},
			"fulcio": {Profile: "fulcio-ca", Subject: subject("Fulcio CA"), URL: "https://fulcio." + organization},
			"tsa":    {Profile: "tsa", Subject: subject("TSA"), URL: "https://tsa." + organization + "/api/v1/timestamp"},
		},
		Logs: map[string]plan.Log{
			"rekor": {Kind: plan.RekorV2, Origin: "rekor." + organization, URL: "https://rekor." + organization},
			"ct":    {Kind: plan.StaticCT, Origin: "ct." + organization + "/2026", URL: "https://ct." + organization + "/2026"},
		},
	}
	w.state = &ledger.State{
		Organization: organization,
		Authorities:  map[string][]ledger.Generation{},
		Logs:         map[string][]ledger.Generation{},
	}
	w.root = w.issue(t, "root", 1, curve, nil, dayOne, dayOne.AddDate(10, 0, 0), rootTemplate())
	for g := 1; g <= generations; g++ {
		start := dayOne
		if g == 2 {
			start = dayTwo
		}
		w.fulcio = append(w.fulcio, w.issue(t, "fulcio", g, curve, &w.root, start, start.AddDate(3, 0, 0), fulcioTemplate()))
		w.tsa = append(w.tsa, w.issue(t, "tsa", g, curve, &w.root, start, start.AddDate(3, 0, 0), tsaTemplate(t)))
		w.rekor = append(w.rekor, w.log(t, "rekor", g, start).PrivateKey)
		w.ct = append(w.ct, w.log(t, "ct", g, start))
	}
	if generations == 2 {
		w.cutover(switched, "fulcio", "tsa", "rekor", "ct")
	}
	return w
}

func rootTemplate() *x509.Certificate {
	return &x509.Certificate{IsCA: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
}

func fulcioTemplate() *x509.Certificate {
	return &x509.Certificate{
		IsCA: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
	}
}

func tsaCATemplate() *x509.Certificate {
	return &x509.Certificate{
		IsCA: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping},
	}
}

func tsaTemplate(t testing.TB) *x509.Certificate {
	t.Helper()
	return &x509.Certificate{
		KeyUsage: x509.KeyUsageDigitalSignature, ExtraExtensions: []pkix.Extension{testpki.Purpose(t, testpki.TimeStamping)},
	}
}

var (
	oidCodeSigning = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 3}
)

// certify makes a certificate from a template's usages, under parent or itself.
func (w *world) certify(t testing.TB, cn string, key testpki.Fixed, parent *issuer, notBefore, notAfter time.Time, template *x509.Certificate) issuer {
	t.Helper()
	w.serials++
	template.SerialNumber = big.NewInt(0x7000000000000000 + w.serials)
	template.Subject = pkix.Name{Organization: []string{w.plan.Organization}, CommonName: cn}
	template.NotBefore, template.NotAfter = notBefore, notAfter
	template.BasicConstraintsValid = true
	signer, above := key, template
	if parent != nil {
		signer, above = parent.key, parent.cert
	}
	cert := testpki.Certify(t, template, above, key.Public(), signer)
	made := issuer{cert: cert, key: key, chain: []*x509.Certificate{cert}}
	if parent != nil {
		made.chain = append(made.chain, parent.chain...)
	}
	return made
}

// issue makes a generation of an authority and writes it to files and state.
func (w *world) issue(t testing.TB, name string, generation int, curve elliptic.Curve, parent *issuer, notBefore, notAfter time.Time, template *x509.Certificate) issuer {
	t.Helper()
	key := testpki.FixedKey(t, curve, fmt.Sprintf("%s %s/%d", w.plan.Organization, name, generation))
	made := w.certify(t, w.plan.Authorities[name].Subject.CommonName, key, parent, notBefore, notAfter, template)
	w.record(name, generation, made)
	return made
}

// reissue replaces a certificate below the root by one of another template.
func (w *world) reissue(t testing.TB, name string, generation int, template *x509.Certificate) {
	t.Helper()
	list := map[string][]issuer{"fulcio": w.fulcio, "tsa": w.tsa}[name]
	old := list[generation-1]
	made := w.certify(t, w.plan.Authorities[name].Subject.CommonName, old.key, &w.root, old.cert.NotBefore, old.cert.NotAfter, template)
	list[generation-1] = made
	generations := w.state.Authorities[name]
	kept := generations[generation-1]
	w.record(name, generation, made)
	generations = w.state.Authorities[name]
	last := generations[len(generations)-1]
	last.End = kept.End
	generations[generation-1] = last
	w.state.Authorities[name] = generations[:len(generations)-1]
}

// reroot replaces the root and, over the same keys, everything below it.
func (w *world) reroot(t testing.TB, template *x509.Certificate) {
	t.Helper()
	w.root = w.certify(t, "Root CA", w.root.key, nil, w.root.cert.NotBefore, w.root.cert.NotAfter, template)
	delete(w.state.Authorities, "root")
	w.record("root", 1, w.root)
	for g := range w.fulcio {
		w.reissue(t, "fulcio", g+1, fulcioTemplate())
		w.reissue(t, "tsa", g+1, tsaTemplate(t))
	}
}

// record writes an authority's generation to files and state.
func (w *world) record(name string, generation int, made issuer) {
	dir := fmt.Sprintf("authorities/%s/g%d/", name, generation)
	w.state.Authorities[name] = append(w.state.Authorities[name], ledger.Generation{
		Number: generation,
		Certificate: &ledger.Certificate{
			Authority: name, Generation: generation, Profile: w.plan.Authorities[name].Profile,
			Serial:     made.cert.SerialNumber.Text(16),
			SPKISHA256: spkiDigest(made.cert),
			Issuer:     "root",
			NotBefore:  made.cert.NotBefore, NotAfter: made.cert.NotAfter,
			File:  w.write(dir+"certificate.pem", certsPEM(made.cert)),
			Chain: w.write(dir+"chain.pem", certsPEM(made.chain...)),
		},
		Start: made.cert.NotBefore,
	})
}

// log makes a generation of a log and writes it to files and state.
func (w *world) log(t testing.TB, name string, generation int, start time.Time) testpki.Fixed {
	t.Helper()
	key := testpki.FixedKey(t, elliptic.P256(), fmt.Sprintf("%s %s/%d", w.plan.Organization, name, generation))
	l := w.plan.Logs[name]
	w.state.Logs[name] = append(w.state.Logs[name], ledger.Generation{
		Number: generation,
		Log: &ledger.Log{
			Name: name, Generation: generation, Kind: l.Kind, Origin: l.Origin, URL: l.URL,
			LogID: digestHex(testpki.SPKI(t, key.Public())), Start: start,
			File: w.write(fmt.Sprintf("logs/%s/g%d/key.pem", name, generation), testpki.KeyPEM(t, key.Public())),
		},
		Start: start,
	})
	return key
}

// cutover closes every generation but the newest of each name.
func (w *world) cutover(at time.Time, names ...string) {
	for _, name := range names {
		for _, generations := range [][]ledger.Generation{w.state.Authorities[name], w.state.Logs[name]} {
			for i := range generations[:max(0, len(generations)-1)] {
				generations[i].End = &at
			}
		}
	}
}

func (w *world) write(path string, data []byte) ledger.File {
	w.files[path] = &fstest.MapFile{Data: data, Mode: 0o644}
	return ledger.File{Path: path, SHA256: digestHex(data)}
}

// build returns the world's trusted root.
func (w *world) build(t testing.TB) []byte {
	t.Helper()
	data, err := Build(w.plan, w.state, w.files)
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	return data
}

func certsPEM(certs ...*x509.Certificate) []byte {
	var out []byte
	for _, c := range certs {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return out
}

func digestHex(data []byte) string {
	return digest.Hex(data)
}

package services

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// stage is a trust directory in memory with one generation of everything.
type stage struct {
	t      *testing.T
	source *Source
	files  fstest.MapFS
	keys   map[string]*ecdsa.PrivateKey
	certs  map[string]*x509.Certificate
}

func newStage(t *testing.T) *stage {
	t.Helper()
	key := func(n int) []plan.Generation {
		return []plan.Generation{{Generation: 1, Key: fmt.Sprintf("arn:aws:kms:eu-west-1:111122223333:key/%d", n)}}
	}
	s := &stage{t: t, files: fstest.MapFS{}, keys: map[string]*ecdsa.PrivateKey{}, certs: map[string]*x509.Certificate{}}
	s.source = &Source{
		Plan: &plan.Plan{
			Authorities: map[string]plan.Authority{
				"root":   {Profile: pki.ProfileRoot},
				"fulcio": {Profile: pki.ProfileFulcioCA, Generations: key(1)},
				"tsa":    {Profile: pki.ProfileTSA, Generations: key(2)},
			},
			Logs: map[string]plan.Log{
				"rekor":     {Kind: plan.RekorV2, Generations: key(3)},
				"tesseract": {Kind: plan.StaticCT, Generations: key(4)},
			},
			OIDC: []plan.Provider{{Issuer: "https://token.actions.githubusercontent.com"}, {Issuer: "https://login.example.com", Type: "email"}},
		},
		State: &ledger.State{Authorities: map[string][]ledger.Generation{}, Logs: map[string][]ledger.Generation{}},
		Files: s.files, Now: now,
	}
	s.certificate("root", elliptic.P384(), &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	s.certificate("fulcio", elliptic.P384(), fulcioCA())
	s.certificate("tsa", elliptic.P384(), tsaLeaf(t))
	s.chain("root", "root")
	s.chain("fulcio", "fulcio", "root")
	s.chain("tsa", "tsa", "root")
	s.log("rekor", plan.RekorV2, elliptic.P256(), "rekor.example.com", "https://rekor.example.com")
	s.log("tesseract", plan.StaticCT, elliptic.P256(), "ct.example.com/2026", "https://ct.example.com/2026")
	s.publish()
	return s
}

func fulcioCA() *x509.Certificate {
	return &x509.Certificate{IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}}
}

func tsaLeaf(t testing.TB) *x509.Certificate {
	t.Helper()
	return &x509.Certificate{KeyUsage: x509.KeyUsageDigitalSignature,
		ExtraExtensions: []pkix.Extension{testpki.Purpose(t, testpki.TimeStamping)}}
}

// certificate issues one by the root, or the root itself.
func (s *stage) certificate(name string, curve elliptic.Curve, template *x509.Certificate) {
	s.t.Helper()
	key := testpki.Key(s.t, curve)
	template.SerialNumber = big.NewInt(int64(len(s.certs) + 1))
	template.Subject = pkix.Name{Organization: []string{"example.com"}, CommonName: name}
	template.NotBefore, template.NotAfter = now.Add(-time.Hour), now.Add(1000*time.Hour)
	parent, parentKey := s.certs["root"], s.keys["root"]
	if name == "root" {
		parent, parentKey = template, key
	}
	s.certs[name] = testpki.Certify(s.t, template, parent, key.Public(), parentKey)
	s.keys[name] = key
}

// chain writes an authority's chain of these certificates and enters it.
func (s *stage) chain(name string, of ...string) {
	s.t.Helper()
	var chain []*x509.Certificate
	for _, n := range of {
		chain = append(chain, s.certs[n])
	}
	data, err := pki.EncodeCertificates(chain)
	if err != nil {
		s.t.Fatal(err)
	}
	spki, err := pki.SPKISHA256(s.certs[name].PublicKey)
	if err != nil {
		s.t.Fatal(err)
	}
	file := s.put("authorities/"+name+"/g1/chain.pem", data)
	s.source.State.Authorities[name] = []ledger.Generation{{Number: 1, Start: now, Certificate: &ledger.Certificate{
		Authority: name, Generation: 1, SPKISHA256: spki, File: file, Chain: file}}}
}

func (s *stage) log(name, kind string, curve elliptic.Curve, origin, url string) {
	s.t.Helper()
	key := testpki.Key(s.t, curve)
	data, err := pki.EncodePublicKey(key.Public())
	if err != nil {
		s.t.Fatal(err)
	}
	s.keys[name] = key
	s.source.State.Logs[name] = []ledger.Generation{{Number: 1, Start: now, Log: &ledger.Log{
		Name: name, Generation: 1, Kind: kind, Origin: origin, URL: url, File: s.put("logs/"+name+"/g1/key.pem", data)}}}
}

func (s *stage) put(path string, data []byte) ledger.File {
	s.files[path] = &fstest.MapFile{Data: data}
	return ledger.File{Path: path, SHA256: digest.Hex(data)}
}

// publish lets verifiers have everything, with the first version.
func (s *stage) publish() {
	s.t.Helper()
	s.source.Published = &Publication{wait: 7 * 24 * time.Hour, versions: []version{{number: 1, published: now, text: s.everything()}}}
}

func (s *stage) everything() string {
	s.t.Helper()
	var text strings.Builder
	for _, c := range s.certs {
		text.WriteString(base64.StdEncoding.EncodeToString(c.Raw) + " ")
	}
	for _, k := range s.keys {
		der := testpki.SPKI(s.t, k.Public())
		text.WriteString(base64.StdEncoding.EncodeToString(der) + " ")
	}
	return text.String()
}

// arguments renders one service and returns its command line as one string.
func (s *stage) arguments(name string) string {
	s.t.Helper()
	out, err := s.source.Render(name)
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.Join(out[0].CommandLine(), " ")
}

// refused demands that a service is refused in these words.
func (s *stage) refused(name, want string) error {
	s.t.Helper()
	out, err := s.source.Render(name)
	if err == nil || out != nil || fault.ExitCode(err) != int(fault.Verification) || !strings.Contains(err.Error(), want) {
		s.t.Fatalf("%s: %v, want %q with exit code 5", name, err, want)
	}
	return err
}

func TestRender_WhatEachProgramWants(t *testing.T) {
	s := newStage(t)
	for name, want := range map[string][]string{
		"fulcio":    {"--ca kmsca", "--kms-resource awskms:///arn:aws:kms:eu-west-1:111122223333:key/1 ", "--ct-log-url https://ct.example.com/2026 "},
		"tsa":       {"--timestamp-signer kms", "--timestamp-signer-hash sha384", "key/2 "},
		"rekor":     {"--hostname rekor.example.com", "--signer-kmskey awskms:///arn:aws:kms:eu-west-1:111122223333:key/3 "},
		"tesseract": {"-origin ct.example.com/2026", "-path_prefix 2026", "-roots_pem_file /etc/trustroot/services/tesseract/roots.pem"},
	} {
		got := s.arguments(name)
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s: no %q in %s", name, w, got)
			}
		}
	}
}

func TestRender_ChainIsLeafFirst(t *testing.T) {
	s := newStage(t)
	out, err := s.source.Render("fulcio")
	if err != nil {
		t.Fatal(err)
	}
	chain, err := pki.ParseCertificates(out[0].Files["chain.pem"])
	if err != nil {
		t.Fatal(err)
	}
	if len(chain) != 2 || !chain[0].Equal(s.certs["fulcio"]) || !chain[1].Equal(s.certs["root"]) {
		t.Error("the chain is not the CA and the root")
	}
	if !strings.Contains(string(out[0].Files["fulcio.yaml"]), "type: ci-provider\n    ci-provider: \"github-workflow\"") {
		t.Errorf("OIDC configuration:\n%s", out[0].Files["fulcio.yaml"])
	}
}

func TestRender_TSAHashFollowsTheKey(t *testing.T) {
	s := newStage(t)
	s.certificate("tsa", elliptic.P256(), tsaLeaf(t))
	s.chain("tsa", "tsa", "root")
	s.publish()
	if got := s.arguments("tsa"); !strings.Contains(got, "--timestamp-signer-hash sha256") {
		t.Error(got)
	}
}

func TestRender_TesseractSaysThatNoBuildTakesKMS(t *testing.T) {
	s := newStage(t)
	out, err := s.source.Render("tesseract")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(out[0].Notes, func(n string) bool { return strings.Contains(n, "no upstream build of TesseraCT takes a key in KMS") }) {
		t.Errorf("notes %q", out[0].Notes)
	}
}

func TestRender_ChainReversed(t *testing.T) {
	s := newStage(t)
	s.chain("fulcio", "root", "fulcio")
	if err := s.refused("fulcio", "chain reversed"); !errors.Is(err, ErrReversed) {
		t.Error("not ErrReversed")
	}
	s.chain("tsa", "root", "tsa")
	s.refused("tsa", "chain reversed")
}

func TestRender_RootMissing(t *testing.T) {
	s := newStage(t)
	s.chain("fulcio", "fulcio")
	s.refused("fulcio", "root missing")
}

func TestRender_NoCertSign(t *testing.T) {
	s := newStage(t)
	ca := fulcioCA()
	ca.KeyUsage = x509.KeyUsageCRLSign
	s.certificate("fulcio", elliptic.P384(), ca)
	s.chain("fulcio", "fulcio", "root")
	s.publish()
	s.refused("fulcio", "no keyCertSign")
}

func TestRender_NoCodeSigning(t *testing.T) {
	s := newStage(t)
	ca := fulcioCA()
	ca.ExtKeyUsage = nil
	s.certificate("fulcio", elliptic.P384(), ca)
	s.chain("fulcio", "fulcio", "root")
	s.publish()
	s.refused("fulcio", "codeSigning")
}

func TestRender_TSAAlone(t *testing.T) {
	s := newStage(t)
	s.chain("tsa", "tsa")
	s.refused("tsa", "certificate alone")
}

func TestRender_OldChain(t *testing.T) {
	s := newStage(t)
	old := s.source.State.Authorities["fulcio"][0].Certificate.Chain
	s.certificate("fulcio", elliptic.P384(), fulcioCA())
	data := s.files[old.Path].Data
	s.chain("fulcio", "fulcio", "root")
	s.source.State.Authorities["fulcio"][0].Certificate.Chain = s.put(old.Path, data)
	s.refused("fulcio", "an old chain")
}

func TestRender_FileOfAnotherContent(t *testing.T) {
	s := newStage(t)
	s.files["authorities/fulcio/g1/chain.pem"].Data = append(s.files["authorities/fulcio/g1/chain.pem"].Data, '\n')
	s.refused("fulcio", "not the file that the ledger speaks of")
}

func TestRender_CTKeyNotP256(t *testing.T) {
	s := newStage(t)
	s.log("tesseract", plan.StaticCT, elliptic.P384(), "ct.example.com", "https://ct.example.com")
	s.publish()
	s.refused("tesseract", "P-384, not P-256")
	s.refused("fulcio", "P-384, not P-256")
}

func TestRender_RekorHostOtherThanTheBaseURL(t *testing.T) {
	s := newStage(t)
	s.log("rekor", plan.RekorV2, elliptic.P256(), "log.example.com", "https://rekor.example.com")
	s.publish()
	s.refused("rekor", "is not the host")
}

func TestRender_NotPublished(t *testing.T) {
	s := newStage(t)
	s.source.Published = nil
	s.refused("tsa", "no published TUF repository")
	s.source.Published = &Publication{versions: []version{{number: 1, text: "nothing"}}}
	s.refused("rekor", "does not have it")
}

// What was in the trusted root in use before the first repository is with
// verifiers; with a repository, that one counts.
func TestRender_AdoptedBeforeTheFirstRepository(t *testing.T) {
	s := newStage(t)
	s.source.Published = nil
	s.source.State.Authorities["tsa"][0].Adopted = true
	if _, err := s.source.Render("tsa"); err != nil {
		t.Error(err)
	}
	s.refused("rekor", "no published TUF repository")
	s.source.Published = &Publication{versions: []version{{number: 1, text: "nothing"}}}
	s.refused("tsa", "does not have it")
}

func TestRender_PublishedTooRecently(t *testing.T) {
	s := newStage(t)
	s.source.Published = &Publication{wait: 7 * 24 * time.Hour, versions: []version{
		{number: 3, published: now.Add(-time.Hour), text: s.everything()},
		{number: 2, published: now.Add(-6 * 24 * time.Hour), text: s.everything()},
		{number: 1, published: now.Add(-90 * 24 * time.Hour), text: "the generation before"},
	}}
	s.refused("fulcio", "until 2026-06-02T12:00:00Z")
	s.source.Now = now.Add(25 * time.Hour)
	s.arguments("fulcio")
}

func TestRender_GenerationThatEnded(t *testing.T) {
	s := newStage(t)
	end := now.Add(-time.Hour)
	s.source.State.Authorities["tsa"][0].End = &end
	s.refused("tsa", "ended on")
	s.source.State.Logs["rekor"][0].Compromised = &ledger.Compromise{Reason: "key copied"}
	s.refused("rekor", "compromised: key copied")
}

func TestRender_NoProvider(t *testing.T) {
	s := newStage(t)
	s.source.Plan.OIDC = nil
	s.refused("fulcio", "no identity provider")
}

func TestRender_UnknownName(t *testing.T) {
	newStage(t).refused("nobody", "fulcio, rekor, tesseract, tsa")
}

func TestRender_EveryProblemAtOnce(t *testing.T) {
	s := newStage(t)
	s.chain("tsa", "tsa")
	s.chain("fulcio", "root", "fulcio")
	_, err := s.source.Render(Names(s.source.Plan)...)
	for _, want := range []string{"tsa: ", "certificate alone", "fulcio: ", "chain reversed"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}

func TestLayout_UnitsAndCompose(t *testing.T) {
	s := newStage(t)
	rendered, err := s.source.Render(Names(s.source.Plan)...)
	if err != nil {
		t.Fatal(err)
	}
	files, err := Layout(rendered)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"compose.yaml":                `- "--timestamp-signer-hash"`,
		"tsa/tsa.service":             "ExecStart=/usr/local/bin/tsa",
		"tesseract/tesseract.service": "# Note: no upstream build",
		"fulcio/fulcio.yaml":          "client-id: \"sigstore\"",
		"fulcio/ct.pub":               "PUBLIC KEY",
	} {
		if !strings.Contains(string(files[name]), want) {
			t.Errorf("no %q in %s:\n%s", want, name, files[name])
		}
	}
	var compose struct {
		Services map[string]struct{ Command []string }
	}
	if err := yaml.Unmarshal(files["compose.yaml"], &compose); err != nil {
		t.Fatal(err)
	}
	if len(compose.Services) != 4 || !slices.Contains(compose.Services["rekor"].Command, "rekor.example.com") {
		t.Errorf("compose.yaml has %+v", compose)
	}
}

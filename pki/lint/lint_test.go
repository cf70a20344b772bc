package lint

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/finding"
)

var (
	linter = New()
	begin  = time.Date(2026, 5, 24, 18, 0, 0, 0, time.UTC)
)

// made is a certificate with its key.
type made struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// create signs what crypto/x509 makes of a template, flaws and all; nil means
// self-signed.
func create(t *testing.T, curve elliptic.Curve, template *x509.Certificate, issuer *made) *made {
	t.Helper()
	key := testpki.Key(t, curve)
	serial, err := pki.NewSerial(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if template.SerialNumber == nil {
		template.SerialNumber = serial
	}
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = begin, begin.AddDate(3, 0, 0)
	}
	if template.SubjectKeyId == nil {
		template.SubjectKeyId = serial.Bytes()
	}
	parent, signer := template, key
	if issuer != nil {
		parent, signer = issuer.certificate, issuer.key
	}
	certificate := testpki.Certify(t, template, parent, key.Public(), signer)
	return &made{certificate, key}
}

func name(cn string) pkix.Name {
	return pkix.Name{Organization: []string{"example.org"}, CommonName: cn}
}

func root(t *testing.T, change func(*x509.Certificate)) *made {
	t.Helper()
	template := &x509.Certificate{
		Subject: name("Root"), IsCA: true, BasicConstraintsValid: true, MaxPathLen: -1,
		KeyUsage:  x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		NotBefore: begin, NotAfter: begin.AddDate(10, 0, 0),
	}
	if change != nil {
		change(template)
	}
	return create(t, elliptic.P384(), template, nil)
}

func fulcioCA(t *testing.T, issuer *made, change func(*x509.Certificate)) *made {
	t.Helper()
	template := &x509.Certificate{
		Subject: name("Fulcio"), IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
	}
	if change != nil {
		change(template)
	}
	return create(t, elliptic.P384(), template, issuer)
}

// purpose encodes an extended key usage with the criticality of choice.
func purpose(t *testing.T, critical bool, last ...int) pkix.Extension {
	t.Helper()
	var list []asn1.ObjectIdentifier
	for _, n := range last {
		list = append(list, asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, n})
	}
	value, err := asn1.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: critical, Value: value}
}

func tsaLeaf(t *testing.T, issuer *made, change func(*x509.Certificate)) *made {
	t.Helper()
	template := &x509.Certificate{
		Subject: name("TSA"), BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtraExtensions: []pkix.Extension{purpose(t, true, 8)},
	}
	if change != nil {
		change(template)
	}
	return create(t, elliptic.P256(), template, issuer)
}

func names(f finding.Finding) []string {
	var out []string
	for _, c := range f.Clients {
		out = append(out, c.Name)
	}
	return out
}

// finds expects a finding of that ID and severity with those clients.
func finds(t *testing.T, m *made, chain []*made, profile, id string, severity finding.Severity, clients ...string) {
	t.Helper()
	var issuers []*x509.Certificate
	for _, c := range chain {
		issuers = append(issuers, c.certificate)
	}
	all := linter.Findings(m.certificate, issuers, profile)
	for _, f := range all {
		if f.ID == id {
			if f.Severity != severity || !slices.Equal(names(f), clients) || f.Text == "" {
				t.Errorf("%s is %+v, want severity %s and clients %v", id, f, severity, clients)
			}
			if (linter.Lint(m.certificate, issuers) != nil) != slices.ContainsFunc(all, func(f finding.Finding) bool { return f.Severity == Error }) && profile == "" {
				t.Errorf("%s: Lint and Findings disagree", id)
			}
			return
		}
	}
	t.Errorf("%s was not found in %v", id, all)
}

func TestFindings_Clean(t *testing.T) {
	r := root(t, nil)
	if all := linter.Findings(r.certificate, nil, ""); len(all) != 0 {
		t.Errorf("root: %v", all)
	}
	chain := []*x509.Certificate{r.certificate}
	if all := linter.Findings(tsaLeaf(t, r, nil).certificate, chain, ""); len(all) != 0 {
		t.Errorf("TSA: %v", all)
	}
	all := linter.Findings(fulcioCA(t, r, nil).certificate, chain, "")
	if len(all) != 1 || all[0].ID != "ca-any-name" {
		t.Errorf("Fulcio: %v", all)
	}
}

func TestFindings_Root(t *testing.T) {
	finds(t, root(t, func(c *x509.Certificate) { c.MaxPathLen, c.MaxPathLenZero = 0, true }), nil, "", "root-path-len-zero", Error, sigstorePython)
	finds(t, root(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning} }), nil, "", "spec-root-eku", Error)
	finds(t, root(t, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign }), nil, "", "spec-root-key-usage", Error)
	finds(t, tsaLeaf(t, nil, nil), nil, pki.ProfileRoot, "spec-root-ca", Error)
}

func TestFindings_General(t *testing.T) {
	r := root(t, nil)
	chain := []*made{r}
	finds(t, root(t, func(c *x509.Certificate) { c.Subject = pkix.Name{CommonName: "Root"} }), nil, "", "spec-subject", Error)
	finds(t, root(t, func(c *x509.Certificate) { c.SerialNumber = big.NewInt(7) }), nil, "", "serial", Error)
	finds(t, root(t, func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 19}, Value: []byte{0x30, 3, 1, 1, 0xff}}}
	}), nil, "", "basic-constraints-critical", Error, sigstorePython)
	finds(t, root(t, func(c *x509.Certificate) { c.KeyUsage = 0 }), nil, "", "key-usage-critical", Error)
	finds(t, fulcioCA(t, r, func(c *x509.Certificate) { c.NotBefore, c.NotAfter = begin, begin.AddDate(11, 0, 0) }), chain, "", "spec-validity", Error)
	finds(t, fulcioCA(t, r, nil), []*made{root(t, nil)}, "", "spec-authority-key-id", Error)
	finds(t, fulcioCA(t, r, nil), []*made{root(t, func(c *x509.Certificate) { c.Subject = name("Other") })}, "", "spec-issuer", Error)
	small := create(t, elliptic.P224(), &x509.Certificate{Subject: name("Small")}, r)
	finds(t, small, chain, "", "key", Error)
	limited := root(t, func(c *x509.Certificate) { c.MaxPathLen = 1 })
	finds(t, fulcioCA(t, limited, func(c *x509.Certificate) { c.MaxPathLenZero, c.MaxPathLen = false, 1 }), []*made{limited}, "", "path-len-idle", Warning)
}

func TestFindings_Fulcio(t *testing.T) {
	r := root(t, nil)
	chain := []*made{r}
	is := pki.ProfileFulcioCA
	finds(t, fulcioCA(t, r, func(c *x509.Certificate) {
		c.ExtKeyUsage, c.ExtraExtensions = nil, []pkix.Extension{purpose(t, true, 3)}
	}), chain, is, "fulcio-eku-critical", Warning, sigstorePython)
	finds(t, fulcioCA(t, r, func(c *x509.Certificate) { c.ExtKeyUsage = nil }), chain, is, "fulcio-code-signing", Error, fulcio)
	finds(t, fulcioCA(t, r, func(c *x509.Certificate) { c.ExtKeyUsage = append(c.ExtKeyUsage, x509.ExtKeyUsageServerAuth) }), chain, is, "spec-fulcio-eku", Error)
	finds(t, fulcioCA(t, r, func(c *x509.Certificate) { c.MaxPathLenZero, c.MaxPathLen = false, 1 }), chain, is, "spec-fulcio-path-len", Warning)
	finds(t, fulcioCA(t, r, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign }), chain, is, "spec-fulcio-crl-sign", Note)
	finds(t, fulcioCA(t, r, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign }), chain, is, "fulcio-cert-sign", Error, fulcio)
	finds(t, tsaLeaf(t, r, nil), chain, is, "fulcio-ca", Error, fulcio)
}

func TestFindings_TimeStamping(t *testing.T) {
	r := root(t, nil)
	chain := []*made{r}
	finds(t, tsaLeaf(t, r, func(c *x509.Certificate) { c.ExtraExtensions = []pkix.Extension{purpose(t, false, 8)} }), chain, "", "tsa-eku-critical", Error, timestampAuth)
	finds(t, tsaLeaf(t, r, func(c *x509.Certificate) { c.ExtraExtensions = []pkix.Extension{purpose(t, true, 8, 3)} }), chain, "", "tsa-eku", Error, timestampAuth)
	finds(t, tsaLeaf(t, nil, nil), nil, "", "tsa-alone", Error, timestampAuth)
	finds(t, fulcioCA(t, r, nil), chain, pki.ProfileTSA, "tsa-is-ca", Error, timestampAuth)
	middle := fulcioCA(t, r, nil)
	finds(t, tsaLeaf(t, middle, nil), []*made{middle, r}, "", "tsa-intermediate-eku", Error, timestampAuth)
	finds(t, middle, chain, pki.ProfileTSACA, "tsa-ca-eku", Error, timestampAuth)
	critical := fulcioCA(t, r, func(c *x509.Certificate) {
		c.ExtKeyUsage, c.ExtraExtensions = nil, []pkix.Extension{purpose(t, true, 8)}
	})
	finds(t, critical, chain, "", "tsa-ca-eku-critical", Note)
	template := *tsaLeaf(t, r, nil).certificate
	template.ExtraExtensions = []pkix.Extension{purpose(t, true, 8)}
	finds(t, create(t, elliptic.P384(), &template, r), chain, "", "tsa-hash", Note, timestampAuth)
}

func TestFindings_Power(t *testing.T) {
	r := root(t, nil)
	spire := fulcioCA(t, r, func(c *x509.Certificate) {
		c.ExtKeyUsage, c.URIs = nil, []*url.URL{{Scheme: "spiffe", Host: "example.org"}}
	})
	finds(t, spire, []*made{r}, "", "ca-any-purpose", Warning)
	finds(t, spire, []*made{r}, "", "ca-any-name", Note)

	limited := root(t, func(c *x509.Certificate) {
		c.PermittedURIDomains, c.PermittedDNSDomainsCritical = []string{"example.org"}, true
	})
	for _, f := range linter.Findings(fulcioCA(t, limited, nil).certificate, []*x509.Certificate{limited.certificate}, "") {
		if f.ID == "ca-any-name" {
			t.Errorf("the root's constraints do not count: %s", f)
		}
	}
}

func TestFindings_NameConstraints(t *testing.T) {
	r := root(t, nil)
	chain := []*made{r}
	dns := fulcioCA(t, r, func(c *x509.Certificate) {
		c.PermittedDNSDomains, c.PermittedDNSDomainsCritical = []string{".example.org"}, true
	})
	finds(t, dns, chain, "", "name-constraints-leading-dot", Warning, pyca)
	finds(t, dns, chain, "", "name-constraints-no-op", Warning)
	uri := fulcioCA(t, r, func(c *x509.Certificate) {
		c.PermittedURIDomains, c.PermittedDNSDomainsCritical = []string{"example.org"}, true
	})
	finds(t, uri, chain, "", "name-constraints-partial", Note)
	finds(t, fulcioCA(t, r, func(c *x509.Certificate) { c.PermittedDNSDomains = []string{"example.org"} }), chain, "", "name-constraints-critical", Error)
	leaf := tsaLeaf(t, r, func(c *x509.Certificate) {
		c.PermittedDNSDomains, c.PermittedDNSDomainsCritical = []string{"example.org"}, true
	})
	finds(t, leaf, chain, "", "name-constraints-leaf", Error)
}

func TestEffects_TableOfTypeByConstraint(t *testing.T) {
	r := root(t, func(c *x509.Certificate) {
		c.PermittedDNSDomains, c.PermittedDNSDomainsCritical = []string{"example.org", ".example.org"}, true
	})
	f := fulcioCA(t, r, func(c *x509.Certificate) {
		c.ExcludedURIDomains, c.PermittedDNSDomainsCritical = []string{"bad.example.org"}, true
	})
	var table []string
	for _, e := range Effects(f.certificate, []*x509.Certificate{r.certificate}, pki.ProfileFulcioCA) {
		line := e.Type + " " + e.State
		if e.Used {
			line += " used"
		}
		table = append(table, strings.Join(append([]string{line}, e.Breaks...), " breaks "))
	}
	if got := strings.Join(table, "; "); got != "DNS effective breaks pyca/cryptography; URI effective used; e-mail no-op used; IP no-op" {
		t.Errorf("the table is %s", got)
	}
}

func TestProfileOf_EveryShape(t *testing.T) {
	r := root(t, nil)
	one, two := []*x509.Certificate{r.certificate}, []*x509.Certificate{r.certificate, r.certificate}
	stamping := fulcioCA(t, r, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping} })
	spire := fulcioCA(t, r, func(c *x509.Certificate) { c.ExtKeyUsage, c.URIs = nil, []*url.URL{{Scheme: "spiffe", Host: "a"}} })
	plain := fulcioCA(t, r, func(c *x509.Certificate) { c.ExtKeyUsage = nil })
	leaf := tsaLeaf(t, r, nil)
	for _, c := range []struct {
		m     *made
		chain []*x509.Certificate
		want  string
	}{
		{r, nil, pki.ProfileRoot}, {fulcioCA(t, r, nil), one, pki.ProfileFulcioCA}, {stamping, one, pki.ProfileTSACA},
		{spire, one, pki.ProfileSPIFFECA}, {leaf, one, pki.ProfileTSA}, {leaf, two, pki.ProfileTSALeaf}, {plain, one, ""},
	} {
		if got := ProfileOf(c.m.certificate, c.chain); got != c.want {
			t.Errorf("%s has profile %q, want %q", c.m.certificate.Subject, got, c.want)
		}
	}
}

func TestZlint_FindsAFlaw(t *testing.T) {
	// without the self-signed mark, zlint misses the authority key identifier
	r := root(t, nil)
	found, err := linter.run(r.certificate, false)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(found, func(f finding.Finding) bool { return f.Severity == Error && strings.Contains(f.ID, "authority_key") }) {
		t.Errorf("zlint finds %v", found)
	}
	if n := len(linter.registry.CertificateLints().Lints()); n < 80 {
		t.Errorf("only %d rules of zlint run", n)
	}
	for _, source := range sources {
		if len(linter.registry.CertificateLints().BySource(source)) == 0 {
			t.Errorf("source %s has no rule", source)
		}
	}
}

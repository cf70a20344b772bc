package trustedroot

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	prototrustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"github.com/sigstore/sigstore/pkg/cryptoutils"

	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// Profiles of the authorities that a verifier must know. Roots, tsa-ca and
// spiffe-ca appear only within chains, if at all.
const (
	profileFulcio  = "fulcio-ca"
	profileTSA     = "tsa"
	profileTSALeaf = "tsa-leaf"
)

// addAuthority adds every generation of a Fulcio CA or TSA.
func (b *builder) addAuthority(name string, generations []ledger.Generation) {
	windows := make([]window, 0, len(generations))
	for _, g := range generations {
		who := fmt.Sprintf("authority %s generation %d", name, g.Number)
		if g.Certificate == nil {
			b.problem("%s: the ledger has no certificate for it", who)
			continue
		}
		profile := g.Certificate.Profile
		if g.Left {
			continue // nothing that it signed may verify
		}
		if profile != profileFulcio && profile != profileTSA && profile != profileTSALeaf {
			continue
		}
		chain, err := b.chain(g.Certificate)
		if err != nil {
			b.problem("%s: %w", who, err)
			continue
		}
		if err := b.claim(g.Certificate.SPKISHA256, "authority "+name); err != nil {
			b.problem("%s: %w", who, err)
		}
		w := window{number: g.Number, start: g.Start, end: g.End, compromised: g.Compromised != nil}
		w.notBefore, w.notAfter = chainValidity(chain)
		b.checkCompromise(who, w, chain)
		windows = append(windows, w)
		uri, err := b.authorityURL(name, g.Certificate)
		if err != nil {
			b.problem("%s: %w", who, err)
			continue
		}
		entry := newAuthority(uri, chain, w)
		if profile == profileFulcio {
			b.root.CertificateAuthorities = append(b.root.CertificateAuthorities, entry)
		} else {
			b.root.TimestampAuthorities = append(b.root.TimestampAuthorities, entry)
		}
	}
	b.checkWindows("authority "+name, windows)
}

// authorityURL returns where an authority answered when its certificate was
// issued: as the ledger recorded it, or else as the plan says.
func (b *builder) authorityURL(name string, c *ledger.Certificate) (string, error) {
	a, ok := b.plan.Authorities[name]
	if ok && a.Profile != c.Profile {
		return "", fmt.Errorf("the plan says %s, the ledger %s", a.Profile, c.Profile)
	}
	address := c.URL
	if address == "" {
		if !ok {
			return "", errors.New("the plan no longer has it, and the ledger recorded no url: keep it in the plan")
		}
		address = a.URL
	}
	if u, err := url.Parse(address); err != nil || u.Scheme == "" || u.Hostname() == "" {
		return "", fmt.Errorf("url %q: needs a scheme and a host", address)
	}
	return address, nil
}

// checkCompromise refuses an entry that stays open over a compromised key, and
// one under a root that stands by.
func (b *builder) checkCompromise(who string, w window, chain []*x509.Certificate) {
	for _, c := range chain {
		by := b.state.Compromised[spkiDigest(c)]
		if by != nil && (w.end == nil || !w.end.Before(by.Since)) {
			b.problem("%s: the key of %s is COMPROMISED since %s, and its window is open then", who, c.Subject, stamp(by.Since))
		}
	}
	for _, g := range b.state.Authorities[plan.RootAuthority] {
		if g.Standby && g.Certificate.SPKISHA256 == spkiDigest(chain[len(chain)-1]) {
			b.problem("%s: its root, generation %d, stands by and is trusted by nobody: run trustroot promote", who, g.Number)
		}
	}
}

func newAuthority(uri string, chain []*x509.Certificate, w window) *prototrustroot.CertificateAuthority {
	certs := make([]*protocommon.X509Certificate, len(chain))
	for i, c := range chain {
		certs[i] = &protocommon.X509Certificate{RawBytes: c.Raw}
	}
	return &prototrustroot.CertificateAuthority{
		Subject:   anchorSubject(chain[len(chain)-1]),
		Uri:       uri,
		CertChain: &protocommon.X509CertificateChain{Certificates: certs},
		ValidFor:  w.proto(),
	}
}

// anchorSubject is the subject of the trust anchor (protobuf-specs,
// CertificateAuthority.subject): its first organization and its common name.
func anchorSubject(anchor *x509.Certificate) *protocommon.DistinguishedName {
	dn := &protocommon.DistinguishedName{CommonName: anchor.Subject.CommonName}
	if len(anchor.Subject.Organization) > 0 {
		dn.Organization = anchor.Subject.Organization[0]
	}
	return dn
}

// chain reads the certificate and chain of a ledger entry and checks that they
// are what the entry says: same certificate first, each signed by the next, a
// root of the ledger last.
func (b *builder) chain(c *ledger.Certificate) ([]*x509.Certificate, error) {
	certificate, err := b.certificates(c.File)
	if err != nil {
		return nil, err
	}
	if len(certificate) != 1 {
		return nil, fmt.Errorf("file %s: has %d certificates, expected one", c.File.Path, len(certificate))
	}
	chain, err := b.certificates(c.Chain)
	if err != nil {
		return nil, err
	}
	var problems []error
	if !bytes.Equal(chain[0].Raw, certificate[0].Raw) {
		problems = append(problems, fmt.Errorf("file %s: does not begin with the certificate of %s", c.Chain.Path, c.File.Path))
	}
	if err := checkChain(chain); err != nil {
		problems = append(problems, fmt.Errorf("file %s: %w", c.Chain.Path, err))
	} else if !b.knownRoot(chain[len(chain)-1]) {
		problems = append(problems, fmt.Errorf("file %s: ends in a root that the ledger does not know", c.Chain.Path))
	}
	problems = append(problems, matches(certificate[0], c))
	return chain, errors.Join(problems...)
}

func (b *builder) certificates(f ledger.File) ([]*x509.Certificate, error) {
	data, err := readFile(b.files, f)
	if err != nil {
		return nil, err
	}
	certs, err := cryptoutils.UnmarshalCertificatesFromPEM(data)
	if err != nil {
		return nil, fmt.Errorf("file %s: %w", f.Path, err)
	}
	if len(certs) == 0 {
		return nil, fmt.Errorf("file %s: has no certificate", f.Path)
	}
	return certs, nil
}

// matches compares a certificate with what the ledger says of it.
func matches(cert *x509.Certificate, c *ledger.Certificate) error {
	var problems []error
	differs := func(what, got, want string) {
		if got != want {
			problems = append(problems, fmt.Errorf("file %s: %s is %s, the ledger says %s", c.File.Path, what, got, want))
		}
	}
	differs("serial number", cert.SerialNumber.Text(16), strings.TrimLeft(c.Serial, "0"))
	differs("SHA-256 of the public key", spkiDigest(cert), c.SPKISHA256)
	differs("notBefore", stamp(cert.NotBefore), stamp(c.NotBefore))
	differs("notAfter", stamp(cert.NotAfter), stamp(c.NotAfter))
	return errors.Join(problems...)
}

func spkiDigest(cert *x509.Certificate) string {
	return digest.Hex(cert.RawSubjectPublicKeyInfo)
}

func (b *builder) knownRoot(cert *x509.Certificate) bool {
	return slices.ContainsFunc(b.state.Authorities[plan.RootAuthority], func(g ledger.Generation) bool {
		return g.Certificate != nil && g.Certificate.SPKISHA256 == spkiDigest(cert)
	})
}

// checkChain reports why a chain is not leaf-first up to a self-signed root of
// at least two certificates.
func checkChain(chain []*x509.Certificate) error {
	if len(chain) < 2 {
		return errors.New("holds one certificate only: clients need the whole chain up to the root")
	}
	for i, c := range chain[:len(chain)-1] {
		if err := c.CheckSignatureFrom(chain[i+1]); err != nil {
			return fmt.Errorf("certificate %d is not signed by certificate %d: %w", i+1, i+2, err)
		}
	}
	if last := chain[len(chain)-1]; !selfSigned(last) {
		return errors.New("does not end in a self-signed root")
	}
	return nil
}

func selfSigned(c *x509.Certificate) bool {
	return bytes.Equal(c.RawSubject, c.RawIssuer) && c.CheckSignatureFrom(c) == nil
}

// chainValidity returns the time in which every certificate of a chain is
// valid, both ends inclusive.
func chainValidity(chain []*x509.Certificate) (notBefore, notAfter time.Time) {
	for i, c := range chain {
		if i == 0 || c.NotBefore.After(notBefore) {
			notBefore = c.NotBefore
		}
		if i == 0 || c.NotAfter.Before(notAfter) {
			notAfter = c.NotAfter
		}
	}
	return notBefore, notAfter
}

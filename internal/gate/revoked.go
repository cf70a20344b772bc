package gate

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/pki"
)

// maxCRL bounds a CRL, in bytes. That of a root has a few hundred.
const maxCRL = 256 << 10

// Stolen is a TSA whose key a thief can date into the past with.
type Stolen struct {
	SPKISHA256 string `json:"spki_sha256" jsonschema:"pattern=^[0-9a-f]{64}$" jsonschema_description:"Hex SHA-256 of the SubjectPublicKeyInfo of the TSA's signing certificate."`
	Before     string `json:"before" jsonschema_description:"A file in the form of retired_logs.json, with a checkpoint of each log that was archived, witnessed or anchored before the theft. What rests on this TSA's time alone needs an entry that stood in that tree; tiles tie an older checkpoint to it."`
}

// revoked are the certificates that CRLs name, by issuer and serial number, and
// the date from which each is revoked.
type revoked map[string]time.Time

func revokedKey(issuer []byte, cert string) string { return string(issuer) + "\x00" + cert }

// at returns an error where one of the certificates was revoked by an instant.
// An honest signature from before lives.
func (r revoked) at(t time.Time, certs ...*x509.Certificate) error {
	for _, c := range certs {
		if c == nil {
			continue
		}
		if since, ok := r[revokedKey(c.RawIssuer, c.SerialNumber.String())]; ok && !t.Before(since) {
			return fmt.Errorf("the certificate of %s with serial %x is revoked since %s, and the signed time is %s", c.Subject, c.SerialNumber, instant(since), instant(t))
		}
	}
	return nil
}

// revoke loads the policy's CRLs and has every authority of the trusted root
// asked for its revocation at the signed time.
func (g *Gate) revoke(ctx context.Context, p *Policy) error {
	all, by := revoked{}, issuers(g.trust)
	for _, name := range p.Trust.CRLs {
		data, err := p.named(ctx, g, name, maxCRL)
		if err != nil {
			return fmt.Errorf("CRL %s: %w", name, err)
		}
		crl, err := x509.ParseRevocationList(data)
		if err != nil {
			return fmt.Errorf("CRL %s: %w", name, err)
		}
		if err := signedBy(crl, by); err != nil {
			return fmt.Errorf("CRL %s: %w", name, err)
		}
		if !crl.NextUpdate.IsZero() && g.now.After(crl.NextUpdate) {
			return fmt.Errorf("CRL %s: a newer one was due by %s", name, instant(crl.NextUpdate))
		}
		for _, e := range crl.RevokedCertificateEntries {
			key := revokedKey(crl.RawIssuer, e.SerialNumber.String())
			if before, ok := all[key]; !ok || e.RevocationTime.Before(before) {
				all[key] = e.RevocationTime
			}
		}
	}
	for _, ca := range g.trust.fulcio {
		ca.revoked = all
	}
	for _, a := range g.trust.tsa {
		a.revoked = all
	}
	return nil
}

// issuers are the certificates of the trusted root that may sign a CRL.
func issuers(s *scoped) []*x509.Certificate {
	var out []*x509.Certificate
	for _, ca := range s.TrustedMaterial.FulcioCertificateAuthorities() {
		if f, ok := ca.(*root.FulcioCertificateAuthority); ok {
			out = append(append(out, f.Root), f.Intermediates...)
		}
	}
	for _, tsa := range s.TrustedMaterial.TimestampingAuthorities() {
		if a, ok := tsa.(*root.SigstoreTimestampingAuthority); ok {
			out = append(append(out, a.Root), a.Intermediates...)
		}
	}
	return out
}

func signedBy(crl *x509.RevocationList, issuers []*x509.Certificate) error {
	if slices.ContainsFunc(issuers, func(issuer *x509.Certificate) bool {
		return issuer != nil && bytes.Equal(issuer.RawSubject, crl.RawIssuer) && crl.CheckSignatureFrom(issuer) == nil
	}) {
		return nil
	}
	return errors.New("no authority of the trusted root signed it")
}

// named reads a file that the policy names, or a target of its repository.
func (p *Policy) named(ctx context.Context, g *Gate, name string, limit int64) ([]byte, error) {
	if target, ok := strings.CutPrefix(name, targetPrefix); ok {
		return mirroredTarget(ctx, p.path(p.Trust.Repository), p.path(p.Trust.Root), target, g.now)
	}
	return courier.ReadFile(p.path(name), limit)
}

// stolen loads the checkpoints from before each theft, by the key of the TSA.
func (g *Gate) stolen(p *Policy) error {
	g.before = map[string]heads{}
	for _, s := range p.Trust.Stolen {
		data, err := courier.ReadFile(p.path(s.Before), maxRetired)
		if err != nil {
			return fmt.Errorf("checkpoints from before the theft: %w", err)
		}
		if g.before[s.SPKISHA256], err = parseHeads(s.Before, data); err != nil {
			return err
		}
	}
	return nil
}

// restsOn returns the checkpoints that an entry is held to: those of the stolen
// TSA on whose time alone the bundle rests. It is nil where another TSA signed
// a time too.
func (g *Gate) restsOn(e *evidence, m root.TrustedMaterial) heads {
	if len(g.before) == 0 {
		return nil
	}
	stamps, err := e.bundle.Timestamps()
	if err != nil {
		return nil
	}
	var found heads
	for _, stamp := range stamps {
		for _, authority := range m.TimestampingAuthorities() {
			a, ok := authority.(*tsa)
			if !ok || a.Leaf == nil {
				continue
			}
			if _, err := a.Verify(stamp, e.sc.Signature()); err != nil {
				continue
			}
			spki, err := pki.SPKISHA256(a.Leaf.PublicKey)
			before, isStolen := g.before[spki]
			if err == nil && !isStolen {
				return nil
			}
			found = before
		}
	}
	return found
}

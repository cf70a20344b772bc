package request

import (
	"cmp"
	"crypto/x509"
	"math/big"
	"slices"
	"time"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// crl decides what the CRL of the ceremony's root says: everything that the
// root issued and whose key, or the root's own, is compromised or retired. A
// plan with a crl block has one made at every ceremony at the root's token.
func (b *builder) crl() {
	n := b.generation()
	crl := b.plan.Authorities[plan.RootAuthority].CRL
	if crl == nil || n == 0 {
		return
	}
	m := &ManifestCRL{Number: 1, ThisUpdate: b.plan.Ceremonies[b.in.Ceremony].NotBefore.UTC()}
	if last := b.ledger.LastCRL(plan.RootAuthority, n); last != nil {
		m.Number, m.ThisUpdate = last.Number+1, later(m.ThisUpdate, last.ThisUpdate)
	}
	for _, g := range b.ledger.Under(plan.RootAuthority, n) {
		r := ManifestRevoked{Authority: g.Certificate.Authority, Generation: g.Number, Serial: g.Certificate.Serial}
		switch {
		case b.ledger.Issuer(&g).Certificate.Authority != plan.RootAuthority:
			continue // another key's CRL would list it
		case g.Compromised != nil:
			r.At, r.Reason = g.Compromised.Since, pki.ReasonKeyCompromise
			if pki.IsCA(g.Certificate.Profile) {
				r.Reason = pki.ReasonCACompromise
			}
		case g.Retired != nil:
			r.At, r.Reason = g.Retired.At, pki.ReasonCessationOfOperation
		default:
			continue
		}
		r.At = r.At.UTC()
		m.ThisUpdate = later(m.ThisUpdate, r.At)
		m.Revoked = append(m.Revoked, r)
	}
	slices.SortFunc(m.Revoked, func(a, b ManifestRevoked) int { return cmp.Compare(a.Serial, b.Serial) })
	m.NextUpdate = m.ThisUpdate.AddDate(0, 0, int(crl.NextUpdate))
	b.request.Manifest.CRL = m
}

// Spec returns the CRL under an issuer's certificate.
func (c *ManifestCRL) Spec(issuer *x509.Certificate) pki.CRLSpec {
	spec := pki.CRLSpec{Issuer: issuer, Number: c.Number, ThisUpdate: c.ThisUpdate, NextUpdate: c.NextUpdate}
	for _, r := range c.Revoked {
		serial, _ := new(big.Int).SetString(r.Serial, 16) // the ledger's form
		spec.Revoked = append(spec.Revoked, pki.Revoked{Serial: serial, At: r.At, Reason: r.Reason})
	}
	return spec
}

// destroy checks that the root's key may go.
func (b *builder) destroy() {
	if !b.plan.Ceremonies[b.in.Ceremony].Destroy {
		return
	}
	b.request.Manifest.Destroy = true
	n := b.generation()
	generations := b.ledger.Authorities[plan.RootAuthority]
	if n < 1 || n > len(generations) {
		return // said at root
	}
	switch g := generations[n-1]; {
	case g.Destroyed != nil:
		b.add("nothing is left to do", "root generation %d: its key is destroyed already", n)
	case g.Live():
		b.add("retire it first: trustroot retire root", "root generation %d: it is in use, and its key cannot be destroyed", n)
	}
}

// generation is the root's, at whose token the ceremony is held.
func (b *builder) generation() int {
	if n := b.plan.RootOf(b.in.Ceremony); n > 0 {
		return n
	}
	return len(b.ledger.Authorities[plan.RootAuthority])
}

// makes returns the generation of the root that the ceremony makes, nil where
// it makes none.
func (b *builder) makes() *plan.Generation {
	for _, g := range b.plan.Authorities[plan.RootAuthority].Generations {
		if g.Ceremony == b.in.Ceremony {
			return &g
		}
	}
	return nil
}

// refuses notes what speaks against a certificate over a key under the root.
func (b *builder) refuses(item Item) {
	key := item.Key.SPKISHA256
	if item.CSR != nil {
		key = item.CSR.SPKISHA256
	}
	issuer := plan.RootAuthority
	made := b.makes()
	if item.Authority == plan.RootAuthority || made != nil {
		issuer = "" // the ledger does not have that root yet
	}
	if err := b.ledger.Refuses(key, issuer, b.generation()); err != nil {
		b.add("", "%s: %w", item.what(), err)
	}
	if made != nil && made.Standby && item.Authority != plan.RootAuthority {
		b.add("give it to another ceremony", "%s: the root that ceremony %s makes stands by, and nothing is issued under it", item.what(), courier.Quote(b.in.Ceremony))
	}
	if want := item.Key.Root; item.Authority != plan.RootAuthority && want > 0 && want != b.generation() {
		b.add("hold the ceremony at that root's token", "%s: the plan issues it under root generation %d, and ceremony %s is held at the token of generation %d", item.what(), want, courier.Quote(b.in.Ceremony), b.generation())
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b.UTC()
	}
	return a
}

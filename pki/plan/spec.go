package plan

import (
	"fmt"

	"github.com/linnemanlabs/trustroot/pki"
)

// Spec returns what the plan says of one certificate. The public key, the
// issuer and the serial number are the ceremony's to add.
func (p *Plan) Spec(authority string, generation int) (pki.Spec, error) {
	a, ok := p.Authorities[authority]
	if !ok {
		return pki.Spec{}, fmt.Errorf("the plan has no authority %s", authority)
	}
	if generation < 1 || generation > len(a.Generations) {
		return pki.Spec{}, fmt.Errorf("the plan has no generation %d of authority %s", generation, authority)
	}
	g := a.Generations[generation-1]
	c, ok := p.Ceremonies[g.Ceremony]
	if !ok {
		return pki.Spec{}, fmt.Errorf("generation %d of authority %s names no ceremony of the plan", generation, authority)
	}
	s := pki.Spec{
		Profile:   a.Profile,
		Subject:   p.SubjectOf(authority, generation),
		Settings:  p.crlPointers(a.Settings, p.issuedUnder(authority, g)),
		NotBefore: c.NotBefore.UTC(),
		NotAfter:  a.Validity.NotAfter(c.NotBefore.UTC()),
	}
	if g.NotAfter != nil {
		s.NotAfter = g.NotAfter.UTC()
	}
	return s, nil
}

// issuedUnder is IssuedUnder, and a root's own number for itself.
func (p *Plan) issuedUnder(authority string, g Generation) int {
	if authority == RootAuthority {
		return g.Generation
	}
	return p.IssuedUnder(g)
}

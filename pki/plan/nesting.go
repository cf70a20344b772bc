package plan

import (
	"slices"
	"time"

	"github.com/linnemanlabs/trustroot/pki"
)

// nesting checks that no authority outlives its issuer, and that a CA has room
// for its path length below its issuer's.
func nesting(r *report, p *Plan) {
	for _, name := range sorted(p.Authorities) {
		issuer := p.IssuerOf(name)
		by, known := p.Authorities[issuer]
		if dates(r, p, name) {
			continue
		}
		policiesWithin(r, join("authorities", name), p.Authorities[name], issuer, by)
		checkTrustDomain(r, join("authorities", name), p, name)
		path, above := join("authorities", name), join("authorities", issuer)
		if !known || by.Profile != "root" && by.Profile != "tsa-ca" || !r.ok(path+".validity") || !r.ok(above+".validity") {
			continue
		}
		a := p.Authorities[name]
		pathLength(r, path, a, above, by)
		at, reason := p.outlives(name, issuer)
		if reason != "" {
			r.add(path+at, "%s", reason)
		}
	}
}

// policiesWithin holds a certificate's policies to those of the CA above it: a
// verifier that asks for policies finds none that is valid otherwise (RFC 5280
// 6.1.3 d). The root's own limit nothing: a trust anchor is not part of a path.
func policiesWithin(r *report, path string, a Authority, issuer string, by Authority) {
	if issuer == "" || issuer == RootAuthority || len(by.Policies) == 0 {
		return
	}
	above := func(oid string) bool {
		return slices.ContainsFunc(by.Policies, func(p pki.Policy) bool { return p.OID == oid || p.OID == anyPolicy })
	}
	for i, policy := range a.Policies {
		if !above(policy.OID) {
			r.add(index(path+".policies", i)+".oid", "%s is not a policy of its issuer %s, so no path through it has a valid policy (RFC 5280 6.1.3 d): add it there or remove it here", policy.OID, issuer)
		}
	}
}

const anyPolicy = "2.5.29.32.0"

func pathLength(r *report, path string, a Authority, above string, by Authority) {
	if by.PathLen == nil || a.Profile == "tsa" || a.Profile == "tsa-leaf" {
		return
	}
	below := 0
	if a.PathLen != nil {
		below = *a.PathLen
	}
	if below >= *by.PathLen {
		at := path + ".path_len"
		if a.PathLen == nil {
			at = above + ".path_len"
		}
		r.add(at, "the CA %s below it needs a path length above %d at its issuer, which has %d",
			a.Subject.CommonName, below, *by.PathLen)
	}
}

// outlives returns the field and the reason when a generation of name would
// end after the certificate that issues it, or begin before it.
func (p *Plan) outlives(name, issuer string) (field, reason string) {
	a, by := p.Authorities[name], p.Authorities[issuer]
	for i, g := range a.Generations {
		from, to, dated := p.Window(name, g)
		if !dated {
			if longer(a.Validity, by.Validity) {
				return ".validity", "is longer than the " + by.Validity.String() + " of its issuer " + issuer + ": write at most that"
			}
			continue
		}
		above, known, before := p.issuing(issuer, g, from)
		switch {
		case before:
			return index(".generations", i) + ".ceremony", "would be issued at " + stamp(from) + ", before any certificate of its issuer " + issuer + " begins"
		case !known && longer(a.Validity, by.Validity):
			return ".validity", "is longer than the " + by.Validity.String() + " of its issuer " + issuer + ": write at most that"
		case known && to.After(above):
			field = ".validity"
			if g.NotAfter != nil {
				field = index(".generations", i) + ".not_after"
			}
			return field, "would end at " + stamp(to) + ", after its issuer " + issuer + ", which ends at " + stamp(above) + ": write less"
		}
	}
	if len(a.Generations) == 0 && longer(a.Validity, by.Validity) {
		return ".validity", "is longer than the " + by.Validity.String() + " of its issuer " + issuer + ": write at most that"
	}
	return "", ""
}

// dates reports whether a generation's instants cannot bound a certificate.
func dates(r *report, p *Plan, name string) (bad bool) {
	path := join("authorities", name)
	for i, g := range p.Authorities[name].Generations {
		from, to, dated := p.Window(name, g)
		if !dated || !r.ok(path+".validity") {
			continue
		}
		if at, reason := badDates(from, to, p.Authorities[name].Validity); reason != "" {
			r.add(path+index(".generations", i)+at, "%s", reason)
			bad = true
		}
	}
	return bad
}

// badDates says what keeps two instants from bounding a certificate: years that
// nobody means, or one second more than the validity, since both ends count
// (RFC 5280 4.1.2.5).
func badDates(from, to time.Time, validity pki.Validity) (field, reason string) {
	switch {
	case !to.After(from):
		return ".not_after", "is not after the ceremony's not_before " + stamp(from)
	case from.Year() < 2000 || from.Year() > 2200:
		return ".ceremony", "would be issued at " + stamp(from) + ": write the day of the ceremony as its not_before"
	case to.After(from.AddDate(100, 0, 0)):
		return ".not_after", "is more than a hundred years after the ceremony's not_before " + stamp(from) + ": write the day on which the certificate ends"
	case to.Equal(validity.NotAfter(from).Add(time.Second)):
		return ".not_after", "makes the certificate one second too long, since both ends count (RFC 5280 4.1.2.5): remove it or write " + stamp(to.Add(-time.Second))
	}
	return "", ""
}

// Window returns the validity of a generation of an authority: from its
// ceremony's not_before, to its own not_after or the end of the authority's
// validity. dated is false when the plan names no ceremony for it.
func (p *Plan) Window(authority string, g Generation) (from, to time.Time, dated bool) {
	c, ok := p.Ceremonies[g.Ceremony]
	if !ok || c.NotBefore.IsZero() {
		return time.Time{}, time.Time{}, false
	}
	if g.NotAfter != nil {
		return c.NotBefore, *g.NotAfter, true
	}
	return c.NotBefore, p.Authorities[authority].Validity.NotAfter(c.NotBefore), true
}

// issuing returns the end of the certificate that issues a generation at an
// instant: that of the root it is issued under, or an issuer's newest. known is
// false when an issuer's generation has no date; before is true when all have
// one and begin later.
func (p *Plan) issuing(issuer string, by Generation, at time.Time) (end time.Time, known, before bool) {
	generations := p.Authorities[issuer].Generations
	if n := p.IssuedUnder(by); issuer == RootAuthority && n > 0 && n <= len(generations) {
		generations = generations[n-1 : n]
	}
	before = len(generations) > 0
	for _, g := range generations {
		from, to, dated := p.Window(issuer, g)
		if !dated {
			before = false
		} else if !from.After(at) {
			end, known, before = to, true, false
		}
	}
	return end, known, before
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

package plan

import "time"

// nesting checks that no authority outlives its issuer, and that a CA has room
// for its path length below its issuer's.
func (r *report) nesting(p *Plan) {
	for _, name := range sorted(p.Authorities) {
		issuer := p.IssuerOf(name)
		by, known := p.Authorities[issuer]
		path, above := join("authorities", name), join("authorities", issuer)
		if !known || by.Profile != "root" && by.Profile != "tsa-ca" || !r.ok(path+".validity") || !r.ok(above+".validity") {
			continue
		}
		a := p.Authorities[name]
		r.pathLength(path, a, above, by)
		at, reason := p.outlives(name, issuer)
		if reason != "" {
			r.add(path+at, "%s", reason)
		}
	}
}

func (r *report) pathLength(path string, a Authority, above string, by Authority) {
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
		if !to.After(from) {
			return index(".generations", i) + ".not_after", "is not after the ceremony's not_before " + stamp(from)
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

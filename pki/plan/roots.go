package plan

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/linnemanlabs/trustroot/pki"
)

// RootOf returns the generation of the root at whose token a ceremony is held,
// 0 where no token of the plan fits: the one that the ceremony makes, or the
// one whose own ceremony was at that token. A generation without a ceremony,
// or an imported key, may be on any token.
func (p *Plan) RootOf(ceremony string) int {
	roots := p.Authorities[RootAuthority].Generations
	token := p.Ceremonies[ceremony].Token
	somewhere := 0
	for _, g := range slices.Backward(roots) {
		if g.Ceremony == ceremony && ceremony != "" {
			return g.Generation
		}
	}
	for _, g := range slices.Backward(roots) {
		switch c, known := p.Ceremonies[g.Ceremony]; {
		case known && c.Token == token:
			return g.Generation
		case somewhere == 0 && (!known || p.Allows(ExceptionImportedRoot)):
			somewhere = g.Generation
		}
	}
	return somewhere
}

// IssuedUnder returns the generation of the root under which the plan issues a
// generation of an authority: the one it names, or that of its ceremony.
func (p *Plan) IssuedUnder(g Generation) int {
	if g.Root > 0 {
		return g.Root
	}
	return p.RootOf(g.Ceremony)
}

// SubjectOf returns the subject of a generation of an authority.
func (p *Plan) SubjectOf(authority string, generation int) pki.Subject {
	a := p.Authorities[authority]
	if generation >= 1 && generation <= len(a.Generations) && a.Generations[generation-1].Subject != nil {
		return *a.Generations[generation-1].Subject
	}
	return a.Subject
}

// PlaceOf returns the origin and the URL of a generation of a log or service:
// its own, or those of the generation before.
func (p *Plan) PlaceOf(name string, generation int) (origin, url string) {
	generations := p.Authorities[name].Generations
	url = p.Authorities[name].URL
	if l, ok := p.Logs[name]; ok {
		origin, url, generations = l.Origin, l.URL, l.Generations
	}
	for _, g := range generations[:min(max(generation, 0), len(generations))] {
		if g.Origin != "" {
			origin = g.Origin
		}
		if g.URL != "" {
			url = g.URL
		}
	}
	return origin, url
}

// URLOf returns where the CRL of a generation of the root is served.
func (c *CRL) URLOf(generation int) string {
	if generation <= 1 {
		return c.URL
	}
	ext := path.Ext(c.URL)
	return fmt.Sprintf("%s-g%d%s", strings.TrimSuffix(c.URL, ext), generation, ext)
}

// crlPointers puts the URL of a root's own CRL in the place of the first one's.
func (p *Plan) crlPointers(s pki.Settings, generation int) pki.Settings {
	crl := p.Authorities[RootAuthority].CRL
	if crl == nil || generation <= 1 {
		return s
	}
	s.CRLDistribution = slices.Clone(s.CRLDistribution)
	for i, u := range s.CRLDistribution {
		if u == crl.URL {
			s.CRLDistribution[i] = crl.URLOf(generation)
		}
	}
	return s
}

// roots checks that each generation of the root has a token and a subject of
// its own, and that every ceremony is held at the token of the root that its
// certificates are issued under.
func roots(r *report, p *Plan) {
	at := join("authorities", RootAuthority) + ".generations"
	tokens, subjects := map[uint32]int{}, map[pki.Subject]int{}
	for i, g := range p.Authorities[RootAuthority].Generations {
		subject := p.SubjectOf(RootAuthority, g.Generation)
		subject.Encoding = ""
		if other, taken := subjects[subject]; taken {
			r.add(index(at, i), "has the subject of generation %d, %s: two keys under one name; write a subject of its own under the generation", other, subject)
		}
		subjects[subject] = g.Generation
		c, known := p.Ceremonies[g.Ceremony]
		if other, taken := tokens[c.Token]; known && taken && !p.Allows(ExceptionImportedRoot) {
			r.add(index(at, i)+".ceremony", "is held at token %d, which holds the key of generation %d: a root's key is made in an empty slot of another token", c.Token, other)
		} else if known {
			tokens[c.Token] = g.Generation
		}
		if c.Destroy {
			r.add(index(at, i)+".ceremony", "destroys the root's key, and cannot make it: name another ceremony")
		}
		if g.Standby && g.Generation == 1 {
			r.add(index(at, i)+".standby", "the first root is the one that is trusted: remove the field")
		}
	}
	for _, name := range sorted(p.Authorities) {
		for i, g := range p.Authorities[name].Generations {
			issued(r, p, name, index(join("authorities", name)+".generations", i), g)
		}
	}
}

func issued(r *report, p *Plan, name, at string, g Generation) {
	roots := len(p.Authorities[RootAuthority].Generations)
	c, known := p.Ceremonies[g.Ceremony]
	by := p.RootOf(g.Ceremony)
	switch {
	case name == RootAuthority && g.Root > 0:
		r.add(at+".root", "a root issues itself: remove the field")
	case name == RootAuthority:
	case g.Subject != nil:
		r.add(at+".subject", "only generations of the root have subjects of their own: remove the field")
	case g.Standby:
		r.add(at+".standby", "only a root stands by: remove the field")
	case g.Root < 0 || g.Root > roots:
		r.add(at+".root", "%d is not a generation of the root", g.Root)
	case !known:
	case by == 0:
		r.add(at+".ceremony", "is held at token %d, on which no generation of the root has its key: hold it at %s", c.Token, rootTokens(p))
	case g.Root > 0 && g.Root != by && !p.Allows(ExceptionImportedRoot):
		r.add(at+".root", "is %d, and ceremony %s is held at token %d, which holds generation %d of the root: name a ceremony at the token of generation %d", g.Root, g.Ceremony, c.Token, by, g.Root)
	case c.Destroy:
		r.add(at+".ceremony", "destroys the root's key: give the certificate to another ceremony")
	}
}

// rootTokens names the tokens of the roots.
func rootTokens(p *Plan) string {
	var all []string
	for _, g := range p.Authorities[RootAuthority].Generations {
		if c, known := p.Ceremonies[g.Ceremony]; known {
			all = append(all, fmt.Sprintf("token %d (generation %d)", c.Token, g.Generation))
		}
	}
	return strings.Join(all, " or ")
}

// crls checks that a CRL which certificates name is one that a ceremony makes.
func crls(r *report, p *Plan) {
	made := p.Authorities[RootAuthority].CRL
	for _, name := range sorted(p.Authorities) {
		a, at := p.Authorities[name], join("authorities", name)
		if a.CRL != nil && name != RootAuthority {
			r.add(at+".crl", "only a key on a token signs CRLs: remove the field")
		}
		if len(a.CRLDistribution) == 0 {
			continue
		}
		switch issuer := p.IssuerOf(name); {
		case issuer != "" && issuer != RootAuthority:
			r.add(at+".crl_distribution", "no command makes a CRL of %s, whose key is not on a token: remove the field", issuer)
		case made == nil:
			r.add(at+".crl_distribution", "names a CRL that no ceremony makes: write crl: {next_update: 365d, url: ...} under the root, or remove the field")
		case slices.ContainsFunc(a.CRLDistribution, func(u string) bool { return badPointer(u) != "" }): // said at settings
		case !slices.Contains(a.CRLDistribution, made.URL):
			r.add(at+".crl_distribution", "does not name %s, where the root's CRL is served", made.URL)
		}
	}
	at := join("authorities", RootAuthority) + ".crl"
	if made == nil {
		return
	}
	form(r, at+".url", made.URL, badPointer)
	if r.ok(at+".url") && badPointer(made.URL) == "" && path.Ext(made.URL) != ".crl" {
		r.add(at+".url", "%q must name a file that ends in .crl", made.URL)
	}
	if r.ok(at+".next_update") && (made.NextUpdate < 1 || made.NextUpdate > maxDays) {
		r.add(at+".next_update", "is %dd: write how long a CRL lasts, for example 365d", made.NextUpdate)
	}
}

// FreshCeremony is the first name that a plan does not have: x, x-2, x-3.
func FreshCeremony(p *Plan, first string) string {
	name := first
	for i := 2; ; i++ {
		if _, taken := p.Ceremonies[name]; !taken {
			return name
		}
		name = fmt.Sprintf("%s-%d", first, i)
	}
}

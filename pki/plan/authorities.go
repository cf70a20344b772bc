package plan

import (
	"net/url"
	"slices"
	"strings"

	"github.com/linnemanlabs/trustroot/pki"
)

var profiles = []string{"root", "fulcio-ca", "tsa", "tsa-ca", "tsa-leaf", "spiffe-ca", pki.ProfileOther}

// IssuerOf returns the name of the authority that issues for name: the plan's
// issuer, or root where it names none. The root has none.
func (p *Plan) IssuerOf(name string) string {
	if name == RootAuthority {
		return ""
	}
	if issuer := p.Authorities[name].Issuer; issuer != "" {
		return issuer
	}
	return RootAuthority
}

func authorities(r *report, p *Plan) {
	if _, ok := p.Authorities[RootAuthority]; !ok && r.ok("authorities") {
		r.add("authorities", "there is no authority named %s, which signs all others", RootAuthority)
	}
	subjects := map[pki.Subject]string{}
	for _, name := range sorted(p.Authorities) {
		a, path := p.Authorities[name], join("authorities", name)
		oneOf(r, path+".profile", a.Profile, profiles...)
		subject(r, path+".subject", a.Subject)
		bare := pki.Subject{Organization: a.Subject.Organization, CommonName: a.Subject.CommonName}
		if other, taken := subjects[bare]; taken {
			r.add(path+".subject", "authority %s has the same subject: a verifier could not tell them apart", other)
		} else if r.ok(path + ".subject") {
			subjects[bare] = name
		}
		generationSubjects(r, path, name, a, subjects)
		if days := a.Validity.NotAfter(reference).Sub(reference).Hours() / 24; days > maxDays || a.Validity.Years > 100 || a.Validity.Days > maxDays {
			r.add(path+".validity", "is longer than a hundred years")
		}
		settings(r, path, a)
		if name == RootAuthority {
			root(r, path, a)
		} else {
			subordinate(r, p, path, name, a)
		}
	}
}

// generationSubjects checks the names and URLs that generations have of their own.
func generationSubjects(r *report, path, name string, a Authority, subjects map[pki.Subject]string) {
	for i, g := range a.Generations {
		at := index(path+".generations", i)
		if own := a; g.URL != "" {
			own.URL = g.URL
			serviceURL(r, at, own)
		}
		if g.Subject == nil {
			continue
		}
		subject(r, at+".subject", *g.Subject)
		bare := pki.Subject{Organization: g.Subject.Organization, CommonName: g.Subject.CommonName}
		if other, taken := subjects[bare]; taken && other != name {
			r.add(at+".subject", "authority %s has the same subject: a verifier could not tell them apart", other)
		}
		subjects[bare] = name
	}
}

func root(r *report, path string, a Authority) {
	if a.Profile != "root" && slices.Contains(profiles, a.Profile) {
		r.add(path+".profile", "the authority named root has the profile root")
	}
	if a.Algorithm != "P-384" {
		oneOf(r, path+".algorithm", a.Algorithm, "P-384")
	}
	if a.Issuer != "" {
		r.add(path+".issuer", "the root issues itself: remove the field")
	}
	if a.Token == nil {
		r.add(path, "token is missing: the root's key lives in slot 9c of a token")
		return
	}
	oneOf(r, path+".token.slot", a.Token.Slot, "9c")
	oneOf(r, path+".token.pin", a.Token.PIN, "once", "always")
	oneOf(r, path+".token.touch", a.Token.Touch, "never", "always", "cached")
}

// other holds for an authority whose certificate is its profile: no ceremony
// issues for it.
func other(r *report, path string, a Authority) {
	for i, g := range a.Generations {
		if g.Ceremony != "" {
			r.add(index(path+".generations", i)+".ceremony", "an authority of profile other is read and never issued: give it a profile to renew it")
		}
	}
}

func subordinate(r *report, p *Plan, path, name string, a Authority) {
	if a.Profile == pki.ProfileOther {
		other(r, path, a)
	} else {
		oneOf(r, path+".algorithm", a.Algorithm, "P-256", "P-384")
	}
	if a.Profile == "root" {
		r.add(path+".profile", "only the authority named root has the profile root")
	}
	if a.Token != nil {
		r.add(path+".token", "only the root's key lives on a token: remove the field")
	}
	at := path + ".issuer"
	if !r.ok(at) {
		at = path
	}
	issuer := p.IssuerOf(name)
	by, known := p.Authorities[issuer]
	switch {
	case !known && issuer == RootAuthority: // said at authorities
	case !known:
		r.add(at, "%q is not an authority of this plan", issuer)
	case a.Profile == "tsa-leaf" && by.Profile != "tsa-ca":
		r.add(at, "a tsa-leaf is issued by a tsa-ca; a certificate directly under the root has the profile tsa")
	case a.Profile != "tsa-leaf" && a.Profile != pki.ProfileOther && issuer != RootAuthority:
		r.add(at, "a %s is issued by the root: remove the field", a.Profile)
	}
}

func subject(r *report, path string, s pki.Subject) {
	if r.ok(path + ".encoding") {
		oneOf(r, path+".encoding", s.Encoding, "utf8", "printable")
	}
	for field, value := range map[string]string{"organization": s.Organization, "common_name": s.CommonName} {
		at := join(path, field)
		if !r.ok(at) {
			continue
		}
		text(r, at, value)
		if len([]rune(value)) > 64 { // RFC 5280 appendix A.1
			r.add(at, "has more than 64 characters")
		}
		if s.Encoding == "printable" && !pki.IsPrintable(value) {
			r.add(at, "holds a character that a PrintableString cannot: write encoding: utf8")
		}
	}
}

// url checks where a service answers.
func serviceURL(r *report, path string, a Authority) {
	at := path + ".url"
	if !r.ok(at) {
		return
	}
	switch a.Profile {
	case "fulcio-ca":
		form(r, at, a.URL, badBaseURL)
	case "tsa", "tsa-leaf":
		form(r, at, a.URL, badURL)
		if u, err := url.Parse(a.URL); err == nil && badURL(a.URL) == "" && strings.Trim(u.Path, "/") == "" {
			r.add(at, "a TSA's URL is the full endpoint: write it like %s/api/v1/timestamp", strings.TrimRight(a.URL, "/"))
		}
	default:
		r.add(at, "a %s answers at no URL of its own: remove the field", a.Profile)
	}
}

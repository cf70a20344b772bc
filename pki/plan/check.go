package plan

import (
	"maps"
	"slices"
	"time"

	"github.com/linnemanlabs/trustroot/pki"
)

// check applies every rule that needs more than one value's form.
func (r *report) check(p *Plan) {
	if r.ok("version") && p.Version != 1 {
		r.add("version", "%d is not known: write 1", p.Version)
	}
	r.text("organization", p.Organization)
	r.names(p)
	r.authorities(p)
	r.nesting(p)
	for _, name := range sorted(p.Logs) {
		r.log(p, name)
	}
	for _, name := range sorted(p.Apps) {
		r.oneOf(join("apps."+name, "algorithm"), p.Apps[name].Algorithm, "P-256", "P-384")
	}
	r.keys(p)
	p.checkKMS(r)
	r.roots(p)
	r.crls(p)
	r.holders(p)
	r.tuf(p)
	for _, name := range sorted(p.Ceremonies) {
		r.ceremony(p, name)
	}
	r.exceptions(p)
	r.included("include", p.Include)
	r.oidc(p)
	r.ciProviders(p)
	r.signing(p)
	r.publishNames(p)
	r.publish(p)
	r.witnesses(p)
	r.rehearsal(p)
}

// names checks that a name is of one kind only: cutover and renew take it
// alone, and services check takes tuf beside it.
func (r *report) names(p *Plan) {
	for _, name := range []string{"all", "tuf"} {
		if _, taken := p.Authorities[name]; taken {
			r.add(join("authorities", name), "%s is what commands call more than this: choose another name", name)
		}
		if _, taken := p.Logs[name]; taken {
			r.add(join("logs", name), "%s is what commands call more than this: choose another name", name)
		}
	}
	for _, name := range sorted(p.Logs) {
		if _, twice := p.Authorities[name]; twice {
			r.add(join("logs", name), "an authority has this name too: choose another")
		}
	}
	for _, name := range sorted(p.Apps) {
		_, authority := p.Authorities[name]
		_, log := p.Logs[name]
		if authority || log {
			r.add(join("apps", name), "an authority or a log has this name too: choose another")
		}
	}
}

func (r *report) text(path, value string) {
	if !r.ok(path) {
		return
	}
	if reason := badText(value); reason != "" {
		r.add(path, "%s", reason)
	}
}

// form applies one of the bad… functions to a field that is given.
func (r *report) form(path, value string, bad func(string) string) {
	if !r.ok(path) {
		return
	}
	if reason := bad(value); reason != "" {
		r.add(path, "%s", reason)
	}
}

func (r *report) oneOf(path, value string, allowed ...string) {
	if r.ok(path) && !slices.Contains(allowed, value) {
		r.add(path, "%q is not one of %s", value, list(allowed))
	}
}

func (r *report) digest(path, value string) {
	if r.ok(path) && !digestForm.MatchString(value) {
		r.add(path, "a SHA-256 is 64 lower-case hex digits")
	}
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func list(names []string) string {
	out := ""
	for i, n := range names {
		switch {
		case i == 0:
		case i == len(names)-1:
			out += " and "
		default:
			out += ", "
		}
		out += n
	}
	return out
}

// reference is a notBefore to compare validities with when no ceremony gives
// one: calendar years have no length of their own.
var reference = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

func longer(a, b pki.Validity) bool { return a.NotAfter(reference).After(b.NotAfter(reference)) }

package plan

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki"
)

// check applies every rule that needs more than one value's form.
func check(r *report, p *Plan) {
	if r.ok("version") && p.Version != 1 {
		r.add("version", "%d is not known: write 1", p.Version)
	}
	text(r, "organization", p.Organization)
	names(r, p)
	authorities(r, p)
	nesting(r, p)
	for _, name := range sorted(p.Logs) {
		log(r, p, name)
	}
	for _, name := range sorted(p.Apps) {
		oneOf(r, join("apps."+name, "algorithm"), p.Apps[name].Algorithm, "P-256", "P-384")
	}
	keys(r, p)
	checkKMS(r, p)
	roots(r, p)
	crls(r, p)
	holders(r, p)
	tuf(r, p)
	for _, name := range sorted(p.Ceremonies) {
		ceremony(r, p, name)
	}
	exceptions(r, p)
	checkIncluded(r, "include", p.Include)
	oidc(r, p)
	checkCIProviders(r, p)
	signing(r, p)
	publish(r, p)
	witnesses(r, p)
	checkRehearsal(r, p)
}

// names checks that a name is of one kind only: cutover and renew take it
// alone, and services check takes tuf beside it.
func names(r *report, p *Plan) {
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

func text(r *report, path, value string) {
	if !r.ok(path) {
		return
	}
	if reason := badText(value); reason != "" {
		r.add(path, "%s", reason)
	}
}

// form applies one of the bad… functions to a field that is given.
func form(r *report, path, value string, bad func(string) string) {
	if !r.ok(path) {
		return
	}
	if reason := bad(value); reason != "" {
		r.add(path, "%s", reason)
	}
}

func oneOf(r *report, path, value string, allowed ...string) {
	if r.ok(path) && !slices.Contains(allowed, value) {
		r.add(path, "%q is not one of %s", value, List(allowed))
	}
}

func digest(r *report, path, value string) {
	if r.ok(path) && !digestForm.MatchString(value) {
		r.add(path, "a SHA-256 is 64 lower-case hex digits")
	}
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// List joins names as a sentence does.
func List(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// reference is a notBefore to compare validities with when no ceremony gives
// one: calendar years have no length of their own.
var reference = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

func longer(a, b pki.Validity) bool { return a.NotAfter(reference).After(b.NotAfter(reference)) }

// Named reports whether every generation names its key. The root's needs none:
// it is made in its ceremony.
func (p *Plan) Named() bool {
	return !slices.ContainsFunc(p.outsideKeys(), func(k owned) bool { return k.Key == "" })
}

// Unpinned names every key and digest of a generation that the plan lacks yet.
func (p *Plan) Unpinned() []string {
	var missing []string
	for _, k := range p.outsideKeys() {
		if k.Key == "" {
			missing = append(missing, k.path+".key: missing")
		}
		if k.SPKISHA256 == "" {
			missing = append(missing, k.path+".spki_sha256: missing")
		}
	}
	return missing
}

// Pinned fails with all that is Unpinned.
func (p *Plan) Pinned() error {
	fields := p.Unpinned()
	if len(fields) == 0 {
		return nil
	}
	missing := make([]error, len(fields))
	for i, field := range fields {
		missing[i] = errors.New(field)
	}
	return fault.New(fault.Usage,
		"run `trustroot kms create --write`, and have a second person with other credentials run `trustroot kms list --pin --write`",
		errors.Join(missing...))
}

func (p *Plan) outsideKeys() []owned {
	return slices.DeleteFunc(p.allKeys(), func(k owned) bool { return k.owner == join("authorities", RootAuthority) })
}

package plan

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
)

func log(r *report, p *Plan, name string) {
	l, path := p.Logs[name], join("logs", name)
	oneOf(r, path+".kind", l.Kind, RekorV2, StaticCT)
	if r.ok(path+".algorithm") && l.Algorithm != "P-256" {
		r.add(path+".algorithm", "%s", algorithmReason(l.Kind, l.Algorithm))
	}
	form(r, path+".url", l.URL, badBaseURL)
	starts(r, path, l.Generations)
	checkOrigin(r, p, name, path, l.Origin, l.URL)
	for i, g := range l.Generations {
		if g.Origin == "" && g.URL == "" {
			continue
		}
		at := index(path+".generations", i)
		form(r, at+".url", g.URL, badBaseURL)
		origin, address := p.PlaceOf(name, i+1)
		checkOrigin(r, p, name, at, origin, address)
	}
}

// checkOrigin checks the origin of a log, or of one of its generations, beside its
// URL and those of other logs.
func checkOrigin(r *report, p *Plan, name, path, origin, address string) {
	at := path + ".origin"
	if !r.ok(at) && r.ok(path+".url") {
		at = path + ".url" // a generation may change the one alone
	}
	if !r.ok(at) {
		return
	}
	if reason := badOrigin(origin); reason != "" {
		r.add(at, "%s", reason)
		return
	}
	for _, other := range sorted(p.Logs) {
		if other < name && hasOrigin(p.Logs[other], origin) {
			r.add(at, "log %s has the same origin: checkpoints of the two could not be told apart", other)
		}
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || p.Logs[name].Kind != RekorV2 {
		return
	}
	if origin != u.Hostname() {
		// sigstore-go takes url.Hostname of the baseUrl as the origin.
		r.add(at, "%q must be %q, the host of the log's url without port and path: clients derive the origin of Rekor v2 from it", origin, u.Hostname())
	}
}

func hasOrigin(l Log, origin string) bool {
	return l.Origin == origin || slices.ContainsFunc(l.Generations, func(g Generation) bool { return g.Origin == origin })
}

// badOrigin says what keeps a text from being a checkpoint's origin and a key
// name in a signed note (C2SP signed-note).
func badOrigin(s string) string {
	switch {
	case s == "":
		return "must not be empty"
	case strings.Contains(s, "://"):
		return "an origin has no scheme: write it like log.example.com/2026"
	case strings.HasSuffix(s, "/"):
		return "an origin has no slash at its end"
	case strings.ContainsFunc(s, func(c rune) bool { return unicode.IsSpace(c) || !unicode.IsPrint(c) || c == '+' }):
		return "an origin has no spaces and no plus signs (C2SP signed-note)"
	}
	return ""
}

package plan

import (
	"net/url"
	"strings"
	"unicode"
)

func (r *report) log(p *Plan, name string) {
	l, path := p.Logs[name], join("logs", name)
	r.oneOf(path+".kind", l.Kind, RekorV2, StaticCT)
	if r.ok(path+".algorithm") && l.Algorithm != "P-256" {
		r.add(path+".algorithm", "%s", algorithmReason(l.Kind, l.Algorithm))
	}
	r.form(path+".url", l.URL, badBaseURL)
	r.starts(path, l.Generations)
	at := path + ".origin"
	if !r.ok(at) {
		return
	}
	if reason := badOrigin(l.Origin); reason != "" {
		r.add(at, "%s", reason)
		return
	}
	for _, other := range sorted(p.Logs) {
		if other < name && p.Logs[other].Origin == l.Origin {
			r.add(at, "log %s has the same origin: checkpoints of the two could not be told apart", other)
		}
	}
	u, err := url.Parse(l.URL)
	if err != nil || u.Hostname() == "" || l.Kind != RekorV2 || !r.ok(path+".url") {
		return
	}
	if l.Origin != u.Hostname() {
		// sigstore-go takes url.Hostname of the baseUrl as the origin.
		r.add(at, "%q must be %q, the host of the log's url without port and path: clients derive the origin of Rekor v2 from it", l.Origin, u.Hostname())
	}
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

package draft

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/finding"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// Review finds what a colleague would ask about a plan that holds. A ceremony
// whose record is in the ledger is not looked at; state may be nil.
func Review(p *plan.Plan, state *ledger.State, now time.Time) []finding.Finding {
	var out []finding.Finding
	warn := func(id, place, repair, format string, args ...any) {
		out = append(out, finding.Finding{ID: id, Severity: finding.Warning, Place: place, Text: fmt.Sprintf(format, args...), Repair: repair})
	}
	fulcio := slices.ContainsFunc(slices.Collect(maps.Values(p.Authorities)), func(a plan.Authority) bool { return a.Profile == pki.ProfileFulcioCA })
	if fulcio && len(p.OIDC) == 0 {
		warn("no-provider", "oidc", "name the identity providers whose word Fulcio takes", "`services render fulcio` has no identity provider to write: Fulcio would issue to nobody")
	}
	for _, name := range slices.Sorted(maps.Keys(p.Logs)) {
		l := p.Logs[name]
		if l.Kind == "static-ct" && slices.ContainsFunc(l.Generations, func(g plan.Generation) bool { return g.Key != "" && g.Key != plan.ExternalKey }) {
			warn("tesseract-kms", "logs."+name, "run a build of TesseraCT with a signer for KMS, or keep the key outside of KMS (key: external)", "its key is in KMS, and no released build of TesseraCT signs with KMS")
		}
	}
	if p.TUF != nil {
		for _, r := range []struct {
			name string
			plan.Role
		}{{"root", p.TUF.Root}, {"targets", p.TUF.Targets}} {
			if n := len(r.Holders); n > 1 && r.Threshold == n {
				warn("threshold-of-all", "tuf."+r.name+".threshold", "name one more holder, or lower the threshold", "every one of %d holders must sign: one lost token, and nobody can change %s", n, r.name)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Ceremonies)) {
		c, place := p.Ceremonies[name], "ceremonies."+name
		if state != nil && slices.ContainsFunc(slices.Collect(maps.Values(state.Records)), func(r ledger.Record) bool { return r.Ceremony == name }) {
			continue
		}
		if c.Day < now.UTC().Format(time.DateOnly) {
			warn("day-is-past", place+".day", "give it a day to come: a request is refused after its day", "%s is past, and the ledger has no record of this ceremony", c.Day)
		}
		var missing []string
		for _, m := range []struct {
			what string
			is   bool
		}{{"operators", len(c.Operators) == 0}, {"witnesses", len(c.Witnesses) == 0}, {"binary_sha256", c.BinarySHA256 == ""}} {
			if m.is {
				missing = append(missing, m.what)
			}
		}
		if len(missing) > 0 {
			warn("day-unnamed", place, "name them before the request is made, so that the record can be held against them", "it does not name %s", strings.Join(missing, ", "))
		}
	}
	return out
}

// Names finds, among all certificates that were ever issued, roots that share a
// subject over two keys, and a key that has two subjects. Verifiers build chains
// by names: they try the wrong root, or take one authority for the other.
// A renewed authority keeps its subject, and its key identifier tells it apart.
func Names(known Known) []finding.Finding {
	type issued struct {
		place string
		*x509.Certificate
	}
	var all []issued
	for _, name := range slices.Sorted(maps.Keys(known)) {
		for i, c := range known[name] {
			if c != nil {
				all = append(all, issued{trustdir.GenerationName(name, i+1), c})
			}
		}
	}
	var out []finding.Finding
	for i, a := range all {
		for _, b := range all[:i] {
			key, subject := bytes.Equal(a.RawSubjectPublicKeyInfo, b.RawSubjectPublicKeyInfo), bytes.Equal(a.RawSubject, b.RawSubject)
			selfIssued := bytes.Equal(a.RawIssuer, a.RawSubject) && bytes.Equal(b.RawIssuer, b.RawSubject)
			switch {
			case subject && !key && selfIssued:
				out = append(out, finding.Finding{ID: "two-keys-one-subject", Severity: finding.Warning, Place: a.place, Also: []string{b.place},
					Text: fmt.Sprintf("has the subject of %s, %s, and another key", b.place, a.Subject), Repair: "give the next root a common name of its own: trustroot renew root --common-name NAME"})
			case key && !subject:
				out = append(out, finding.Finding{ID: "one-key-two-subjects", Severity: finding.Warning, Place: a.place, Also: []string{b.place},
					Text: fmt.Sprintf("has the key of %s under another subject, %s: whoever steals it has both", b.place, a.Subject), Repair: "renew one of them with a new key: trustroot renew NAME --new-key"})
			}
		}
	}
	return out
}

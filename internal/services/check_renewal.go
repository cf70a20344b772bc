package services

import (
	"fmt"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/pki/finding"
	"github.com/linnemanlabs/trustroot/pki/ledger"
)

// checkRenewal holds the generation that a service is on against the ledger's
// windows and cutovers.
func checkRenewal(q *inquiry) {
	g, newest := q.generation(q.Generation), ledger.Newest(q.generations)
	if g == nil {
		return
	}
	what := "chain"
	if q.Program == Rekor || q.Program == TesseraCT {
		what = "key"
	}
	render := "`trustroot services render " + q.Name + "`, and start it again on what that writes"
	now := q.source.Now
	switch {
	case g.Compromised != nil:
		q.mismatch("compromised", render, "on generation %d, which is compromised since %s: %s", g.Number, rfc3339(g.Compromised.Since), g.Compromised.Reason)
	case now.Before(g.Start):
		q.mismatch("not-begun", "start it on the generation before until then", "on generation %d, which begins on %s: verifiers reject what it signs now", g.Number, rfc3339(g.Start))
	case g.End != nil && now.After(*g.End) && g.Number < newest.Number:
		q.mismatch("cutover-not-followed", render, "still on generation %d, the old %s, although its cutover was recorded on %s: verifiers reject what it signs now",
			g.Number, what, rfc3339(*g.End))
	case g.End != nil && now.After(*g.End):
		q.mismatch("ended", render, "on generation %d, which ended on %s: verifiers reject what it signs now", g.Number, rfc3339(*g.End))
	case g.Number < newest.Number:
		q.notice("newer-waits", "once every verifier can have fetched generation "+fmt.Sprint(newest.Number)+": "+render,
			"on generation %d; generation %d waits for it", g.Number, newest.Number)
	default:
		for _, old := range q.generations[:len(q.generations)-1] {
			if old.End == nil {
				q.notice("cutover-not-recorded", "once every instance of it was seen to use the new one: `trustroot cutover "+q.Name+"`",
					"on generation %d, and the cutover from generation %d is not recorded yet", g.Number, old.Number)
			}
		}
	}
}

func rfc3339(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// mixed tells the state in the middle of a renewal: some services on their
// newest generation, some before it. It is not an error by itself: while both
// generations are open, verifiers accept both.
func mixed(inquiries []*inquiry) []Finding {
	var ahead, behind, all []string
	open := true
	for _, q := range inquiries {
		g := q.generation(q.Generation)
		if g == nil || len(q.generations) < 2 {
			continue
		}
		switch before := q.generations[len(q.generations)-2]; {
		case g.Number < q.Newest:
			behind = append(behind, q.Name)
			open = open && g.End == nil
		case before.End == nil:
			ahead = append(ahead, q.Name)
		default:
			continue // its renewal is over
		}
		all = append(all, fmt.Sprintf("%s on generation %d", q.Name, g.Number))
	}
	if len(ahead) == 0 || len(behind) == 0 {
		return nil
	}
	f := Finding{Finding: finding.Finding{ID: "mixed", Severity: Notice, Text: "mixed: " + strings.Join(all, ", ") + "; "}}
	if open {
		f.Text += "old and new are both open, no cutover of them is recorded yet"
		f.Repair = "switch " + strings.Join(behind, ", ") + " too, then record the cutover"
	} else {
		f.Text += "a cutover is recorded for what is still on the old one"
		f.Repair = "switch " + strings.Join(behind, ", ") + " now"
	}
	return []Finding{f}
}

// checkPublished wants what each service signs with in the published
// trusted_root.json: verifiers that do not have it reject its signatures.
func checkPublished(s *Source, inquiries []*inquiry) {
	published := ""
	if s.Published != nil && len(s.Published.versions) > 0 {
		published = s.Published.versions[0].text
	}
	asked := s.Plan.TUF == nil // what nobody publishes cannot be asked
	for _, q := range inquiries {
		if q.published != "" {
			published = q.published
		}
		asked = asked || q.Program == TUF // it says itself what it lacks
	}
	for _, q := range inquiries {
		if q.raw != "" && published == "" && !asked {
			unanswered(q, "publication-unread", "ask the repository too: `trustroot services check "+q.Name+" tuf`; or bring tuf/ up to date",
				"whether verifiers have what it signs with is unknown: tuf/ here holds no valid repository")
		}
		if q.raw == "" || published == "" {
			continue
		}
		if !strings.Contains(published, q.raw) {
			q.mismatch("not-published", "publish it first: `trustroot trusted-root build`, then `trustroot tuf stage`, sign, publish; until then start the generation before",
				"on generation %d, which the published trusted_root.json does not carry: verifiers reject what it signs", q.Generation)
			continue
		}
		if s.Published == nil {
			continue
		}
		if err := s.Published.Fetchable(q.raw, s.Now); err != nil && strings.Contains(s.Published.versions[0].text, q.raw) {
			q.notice("too-early", "wait that long before the next switch", "on generation %d, which not every verifier has yet: %v", q.Generation, err)
		}
	}
}

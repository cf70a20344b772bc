package trustedroot

import (
	"fmt"
	"slices"
	"time"

	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
)

// span is an entry's window as it stands in a file.
type span struct {
	path  string
	owner string    // its URL: entries of one URL are generations of one service
	start time.Time // zero where there is none
	end   time.Time
	// hasEnd is false while the entry is open.
	hasEnd bool
	// compromised is set where the key, or one of its chain, is compromised.
	compromised bool
	key         string // hex SHA-256 of the public key, empty where there is none
	// certStart and certEnd bound the validity of the chain, issued is the
	// first certificate's notBefore; zero for logs.
	certStart, certEnd, issued time.Time
}

func newSpan(path, owner string, r *protocommon.TimeRange) span {
	s := span{path: path, owner: owner, start: startOf(r), hasEnd: r.GetEnd() != nil}
	if s.hasEnd {
		s.end = r.GetEnd().AsTime()
	}
	return s
}

// until returns the last instant at which an entry can be used; the zero time
// means never.
func (s span) until() time.Time {
	switch {
	case !s.hasEnd:
		return s.certEnd
	case !s.certEnd.IsZero() && s.certEnd.Before(s.end):
		return s.certEnd
	default:
		return s.end
	}
}

// expires reports whether it is the chain that ends an entry, not its window.
func (s span) expires() bool {
	return !s.certEnd.IsZero() && (!s.hasEnd || !s.end.Before(s.certEnd))
}

func (s span) contains(at time.Time) bool {
	until := s.until()
	return !at.Before(s.start) && (until.IsZero() || !at.After(until))
}

// windows judges the windows of one role against each other.
func windows(l *linter, list, what string, spans []span, rekor bool) {
	for i, s := range spans {
		if rekor && s.hasEnd {
			l.add(ruleLogEnd, windowPath(list, s)+".end", "The window has an end, which clients do not ask of an entry of Rekor v2: a closed log's key is still trusted",
				"Nothing, but do not take the end for a revocation")
		}
		if s.hasEnd && s.end.Before(s.start) {
			r := ruleBackwards
			if rekor {
				r = ruleBackwardsV2 // no client asks a Rekor v2 entry for its time
			}
			l.add(r, windowPath(list, s), fmt.Sprintf("The window ends %s, before it opens %s", stamp(s.end), stamp(s.start)), "Exchange start and end, or correct them")
		}
		if i > 0 && s.start.Before(spans[i-1].start) {
			l.add(ruleOrder, s.path, fmt.Sprintf("The entry opens %s, before the one above (%s)", stamp(s.start), stamp(spans[i-1].start)), "Order entries by start, the oldest first")
		}
	}
	sorted := slices.Clone(spans)
	slices.SortStableFunc(sorted, func(a, b span) int { return a.start.Compare(b.start) })
	told := map[string]bool{}
	for _, owner := range owners(sorted) {
		generations(l, list, owner, rekor, told)
	}
	gaps(l, list, "every "+what, sorted, rekor, told)
	if at := l.options.At; !at.IsZero() && len(spans) > 0 && !slices.ContainsFunc(spans, func(s span) bool { return s.contains(at) }) {
		l.add(ruleNotCurrent, "$."+list, fmt.Sprintf("No %s is valid at %s", what, stamp(at)), "Add the generation that is in use")
	}
}

func windowPath(list string, s span) string {
	if list == "tlogs" || list == "ctlogs" {
		return s.path + ".publicKey.validFor"
	}
	return s.path + ".validFor"
}

// owners groups spans by URL, keeping their order.
func owners(spans []span) [][]span {
	var order []string
	groups := map[string][]span{}
	for _, s := range spans {
		if _, ok := groups[s.owner]; !ok {
			order = append(order, s.owner)
		}
		groups[s.owner] = append(groups[s.owner], s)
	}
	out := make([][]span, len(order))
	for i, owner := range order {
		out[i] = groups[owner]
	}
	return out
}

// generations judges how the generations of one service follow each other.
func generations(l *linter, list string, spans []span, rekor bool, told map[string]bool) {
	for i := 1; i < len(spans); i++ {
		older, newer := spans[i-1], spans[i]
		if !older.hasEnd || older.compromised || (!near(older.end, newer.start) && !near(older.end, newer.issued)) {
			continue
		}
		r := ruleClosedEarly
		if rekor {
			r = ruleClosedLog
		}
		text, repair := fmt.Sprintf("The window closes at %s, the very start of %s: what the old key signs until the service switches is rejected", stamp(older.end), newer.path),
			"Leave it open until the service was seen to use the new key, then close it at that instant"
		if r = settled(l, r, older.end); r.severity == Info {
			text, repair = "The window was closed at the very start of the next one: what the old key signed before the service switched does not verify",
				"Nothing: published ends stay; next time close the window when the service was seen to use the new key"
		}
		l.add(r, windowPath(list, older)+".end", text, repair)
	}
	gaps(l, list, spans[0].owner, spans, rekor, told)
}

// near reports whether two instants are the same but for a rounded second.
func near(a, b time.Time) bool {
	return !b.IsZero() && a.Sub(b).Abs() <= time.Second
}

// gaps reports the times between spans, sorted by start, in which none is
// valid.
func gaps(l *linter, list, whose string, spans []span, rekor bool, told map[string]bool) {
	var last span
	for i, s := range spans {
		if i > 0 {
			until := last.until()
			if until.IsZero() {
				return
			}
			if s.start.After(until.Add(time.Second)) && !told[s.path] {
				told[s.path] = true
				r := ruleGap
				repair := "Let the older window last until the service was seen to use the newer key"
				switch {
				case last.compromised || len(l.options.Left) > 0:
					r, repair = ruleGapMeant, "Nothing: the key was compromised"
				case last.expires():
					r, repair = ruleGapExpired, "Renew before the certificate ends; what lies behind cannot be repaired"
				case rekor:
					r = ruleGapLogs
				}
				if was := r.severity; was != Info {
					if r = settled(l, r, s.start); r.severity == Info {
						repair = "Nothing: it lies in the past"
					}
				}
				l.add(r, windowPath(list, s)+".start", fmt.Sprintf("Between %s (%s) and %s nothing is valid for %s", stamp(until), last.path, stamp(s.start), whose), repair)
			}
		}
		if until := s.until(); i == 0 || until.IsZero() || (!last.until().IsZero() && until.After(last.until())) {
			last = s
		}
	}
}

// compromise judges an entry of which one key is compromised: it is over, or
// what a thief signs verifies.
func compromise(l *linter, s *span, key string) {
	if !slices.Contains(l.options.Compromised, key) {
		return
	}
	s.compromised = true
	if !s.hasEnd {
		l.add(ruleCompromised, s.path, fmt.Sprintf("The key %s is COMPROMISED, and the entry that rests on it is open", key),
			"Record the compromise in the ledger and build the file again: the entry ends at the last second before the misuse")
	}
}

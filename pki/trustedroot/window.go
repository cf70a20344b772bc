package trustedroot

import (
	"time"

	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// window is the time in which verifiers accept one generation. Both ends are
// inclusive (protobuf-specs, CertificateAuthority.valid_for).
type window struct {
	number int
	start  time.Time
	end    *time.Time // nil while open
	// compromised is set where a compromise closed the window: nothing needs
	// to follow it.
	compromised bool
	// notBefore and notAfter bound the time in which the whole chain is valid;
	// zero for logs.
	notBefore, notAfter time.Time
}

// proto returns the window as it is written. An end after the chain's own is
// written as the chain's: a cutover may be recorded when the old certificate
// has run out already, and validFor must lie within the chain's validity.
func (w window) proto() *protocommon.TimeRange {
	r := &protocommon.TimeRange{Start: timestamppb.New(w.start)}
	if w.end == nil {
		return r
	}
	end := *w.end
	if !w.notAfter.IsZero() && end.After(w.notAfter) {
		end = w.notAfter
	}
	r.End = timestamppb.New(end)
	return r
}

// checkWindows reports windows of one service that leave their certificates,
// run backwards or leave a gap.
func (b *builder) checkWindows(who string, windows []window) {
	for _, w := range windows {
		switch {
		case w.start.IsZero():
			b.problem("%s generation %d: its window has no start", who, w.number)
		case w.start.Before(w.notBefore):
			b.problem("%s generation %d: its window opens %s, before its chain is valid (%s)", who, w.number, stamp(w.start), stamp(w.notBefore))
		case !w.notAfter.IsZero() && w.start.After(w.notAfter):
			b.problem("%s generation %d: its window opens %s, after its chain has ended (%s)", who, w.number, stamp(w.start), stamp(w.notAfter))
		}
		if w.end != nil && w.end.Before(w.start) {
			b.problem("%s generation %d: its window ends %s, before it opens (%s)", who, w.number, stamp(*w.end), stamp(w.start))
		}
	}
	for i := 1; i < len(windows); i++ {
		b.checkFollows(who, windows[i-1], windows[i])
	}
	// before a switch two generations are open; a third says that the switch
	// to the second has happened
	for i := 2; i < len(windows); i++ {
		if older := windows[i-2]; older.end == nil && !older.ranOut(windows[i].start) {
			b.problem("%s generation %d: it is still open, and generation %d follows generation %d already: the cutover to generation %d is missing, record it",
				who, older.number, windows[i].number, windows[i-1].number, windows[i-1].number)
		}
	}
}

// checkFollows reports a newer generation that does not join its older one.
// After a certificate has run out nothing can be signed with it, so a gap that
// begins there is a fact and no mistake; lint warns of it.
func (b *builder) checkFollows(who string, older, newer window) {
	if newer.start.Before(older.start) {
		b.problem("%s generation %d: opens %s, before generation %d (%s)", who, newer.number, stamp(newer.start), older.number, stamp(older.start))
	}
	// the chain closes what nothing else does, and a window may last as long as it
	closedByExpiry := older.end != nil && !older.notAfter.IsZero() && !older.end.Before(older.notAfter)
	if older.end != nil && !older.compromised && !closedByExpiry && newer.start.After(older.end.Add(time.Second)) {
		b.problem("%s: nothing is valid between the end of generation %d (%s) and the start of generation %d (%s)",
			who, older.number, stamp(*older.end), newer.number, stamp(newer.start))
	}
}

// ranOut reports whether the chain had ended at an instant: nothing could be
// signed with it any more, and no cutover needs to say so.
func (w window) ranOut(at time.Time) bool { return !w.notAfter.IsZero() && at.After(w.notAfter) }

// stamp writes an instant in UTC, so that messages do not depend on a zone.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

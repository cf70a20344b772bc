package status

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/linnemanlabs/trustroot/internal/metrics"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
)

// Kinds of what expires.
const (
	KindCertificate = "certificate"
	KindWindow      = "window"     // in which verifiers accept a key
	KindCRL         = "crl"        // until the next one is due
	KindInspection  = "inspection" // of a root's token
	KindTUF         = "tuf"        // a role of the repository
	KindTerm        = "term"       // in which a root may issue for a full validity
)

// onlineGrace is how long after its signing window opened an online role may
// wait for the refresher before status calls it due.
const onlineGrace = 24 * time.Hour

// Item is one thing with a beginning and an end.
type Item struct {
	Kind       string     `json:"kind"`
	Name       string     `json:"name"`
	Generation int        `json:"generation"`          // or the version of a TUF role
	Start      time.Time  `json:"start,omitzero"`      // zero where it is not known
	Expires    *time.Time `json:"expires,omitempty"`   // inclusive; nil for an open window
	SignFrom   *time.Time `json:"sign_from,omitempty"` // TUF: when its signing window opens
	Online     bool       `json:"online,omitempty"`    // TUF: the online key signs it
	Replaced   bool       `json:"replaced,omitempty"`  // a newer generation took over: its end needs nobody
	Who        []string   `json:"who,omitempty"`       // TUF: who can sign
	Do         string     `json:"do,omitempty"`        // the way to renew it
}

// Warning is something that is not a date.
type Warning struct {
	Name string `json:"name"`
	Text string `json:"text"`
	Do   string `json:"do"`
}

// Status is everything that expires, earliest first, and what else needs a
// look.
type Status struct {
	Organization string    `json:"organization"`
	Rehearsal    bool      `json:"rehearsal,omitempty"`
	At           time.Time `json:"at"`
	Entries      int       `json:"ledger_entries"`
	Head         string    `json:"ledger_head"`
	Items        []Item    `json:"items"`
	Warnings     []Warning `json:"warnings,omitempty"`
}

// Read collects certificates, windows, the roles of the published
// repository, where there is one, and the firmware of tokens as their
// attestations state it. It opens no connection.
func Read(d *trustdir.Dir, ctx context.Context, now time.Time) (*Status, error) {
	s := &Status{
		Organization: d.State.Organization, Rehearsal: d.State.Rehearsal, At: now,
		Entries: d.State.Entries, Head: d.State.Head,
	}
	certificateItems(d, s)
	logItems(d, s)
	lifeItems(d, s)
	if err := repositoryItems(d, ctx, s); err != nil {
		return nil, err
	}
	if err := tokenWarnings(d, s); err != nil {
		return nil, err
	}
	slices.SortStableFunc(s.Items, func(a, b Item) int {
		switch {
		case a.Expires == nil && b.Expires == nil:
			return 0
		case a.Expires == nil:
			return 1
		case b.Expires == nil:
			return -1
		}
		return a.Expires.Compare(*b.Expires)
	})
	return s, nil
}

// Due returns what ends within a time, or has ended, and needs someone. A TUF
// role counts from the opening of its signing window as well; an online role
// only by that, for the refresher keeps it short-lived on purpose.
func (s *Status) Due(within time.Duration) []Item {
	var due []Item
	for _, i := range s.Items {
		if i.due(s.At, within) {
			due = append(due, i)
		}
	}
	return due
}

func (i Item) due(now time.Time, within time.Duration) bool {
	switch {
	case i.Replaced || i.Expires == nil || i.Kind == KindTerm: // its end is a warning of its own
		return false
	case i.Online && i.SignFrom != nil:
		return !now.Before(i.SignFrom.Add(onlineGrace))
	case i.SignFrom != nil && !now.Before(*i.SignFrom):
		return true
	default:
		return !i.Expires.After(now.Add(within))
	}
}

// Left is how long something lasts from now, in words.
func (i Item) Left(now time.Time) string {
	if i.Expires == nil {
		return "open"
	}
	left := i.Expires.Sub(now)
	if left < 0 {
		return "ended " + duration(-left) + " ago"
	}
	return "in " + duration(left)
}

func duration(d time.Duration) string {
	if d < 48*time.Hour {
		return fmt.Sprintf("%d hours", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// Title names an item: "fulcio g2", "tuf root v3".
func (i Item) Title() string {
	switch i.Kind {
	case KindTUF:
		return fmt.Sprintf("tuf %s v%d", i.Name, i.Generation)
	case KindInspection:
		return "inspection of " + i.Name
	}
	of := map[string]string{KindTerm: "full terms of ", KindCRL: "crl of ", KindWindow: "window of "}
	return of[i.Kind] + trustdir.GenerationName(i.Name, i.Generation)
}

// Prometheus writes the status in the text exposition format, for the node
// exporter's textfile collector. Times are in seconds since 1970, UTC.
func (s *Status) Prometheus() string {
	var text metrics.Text
	labels := func(i Item) []string {
		return []string{"kind", i.Kind, "name", i.Name, "generation", strconv.Itoa(i.Generation), "replaced", strconv.FormatBool(i.Replaced)}
	}
	expiry := text.Gauge("trustroot_expiry_timestamp_seconds", "Last instant at which a certificate, a window or a TUF role is valid.")
	from := text.Gauge("trustroot_sign_from_timestamp_seconds", "Instant from which a TUF role should be signed again.")
	for _, i := range s.Items {
		if i.Expires != nil {
			expiry(i.Expires.Unix(), labels(i)...)
		}
		if i.SignFrom != nil {
			from(i.SignFrom.Unix(), labels(i)...)
		}
	}
	text.Gauge("trustroot_warnings", "Warnings of trustroot status.")(len(s.Warnings))
	text.Gauge("trustroot_ledger_entries", "Lines of the ledger.")(s.Entries)
	text.Gauge("trustroot_status_timestamp_seconds", "When this status was made.")(s.At.Unix())
	return text.String()
}

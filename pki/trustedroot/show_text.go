package trustedroot

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/linnemanlabs/trustroot/internal/timeline"
)

// Text draws the view for a terminal of a width in columns, at least 60: a time
// line per role, then what each entry is.
//
//	━ within the window   ─ an open window, until its certificate ends or for ever
//	│ the instant that was asked for
func (v *View) Text(width int) string {
	width = max(width, 60)
	const labels = 28
	axis := v.axis(width - labels - 2)
	var b strings.Builder
	fmt.Fprintf(&b, "%-*s%s\n", labels, "At "+stamp(v.At), axis.Years())
	for _, r := range v.Roles {
		fmt.Fprintf(&b, "\n%s\n", r.Title)
		if len(r.Entries) == 0 {
			b.WriteString("  none\n")
		}
		for _, e := range r.Entries {
			mark := " "
			if e.Current {
				mark = "*"
			}
			fmt.Fprintf(&b, "%s %-*s%s\n", mark, labels-2, clip(e.label(), labels-3), axis.Bar(e.Start, e.span.until(), e.End == nil, v.At))
		}
	}
	b.WriteString("\n")
	for _, r := range v.Roles {
		for _, e := range r.Entries {
			fmt.Fprintf(&b, "%s\n", e.describe())
		}
	}
	for _, p := range v.Overlaps {
		fmt.Fprintf(&b, "overlap  %s\n         %s\n", p.times(), clean(p.Text))
	}
	for _, p := range v.Mixes {
		fmt.Fprintf(&b, "mix      %s\n         %s\n", p.times(), clean(p.Text))
	}
	return b.String()
}

func (e Entry) describe() string {
	state := "not valid then"
	if e.Current {
		state = "current"
	}
	if e.Compromised {
		state = "COMPROMISED"
	}
	end := "open"
	if e.End != nil {
		end = stamp(*e.End)
	}
	start := "always"
	if !e.Start.IsZero() {
		start = stamp(e.Start)
	}
	lines := []string{
		fmt.Sprintf("%s  %s", e.Path, clean(e.Name)),
		fmt.Sprintf("  %s to %s, %s, %s", start, end, clean(e.Key), state),
	}
	if e.Subject != "" {
		lines = append(lines, "  "+clean(e.Subject), "  certificate "+e.Fingerprint, "  root        "+e.Root)
		if e.CertUntil != nil {
			lines = append(lines, "  chain valid until "+stamp(*e.CertUntil))
		}
	} else {
		lines = append(lines, "  log ID "+e.Fingerprint)
	}
	return strings.Join(lines, "\n")
}

func (p Period) times() string {
	to := "open"
	if !p.To.IsZero() {
		to = stamp(p.To)
	}
	return stamp(p.From) + " to " + to
}

// axis spans all windows and the instant asked for. An entry without a start
// does not stretch it.
func (v *View) axis(columns int) timeline.Axis {
	from, to := v.At, v.At
	for _, r := range v.Roles {
		for _, e := range r.Entries {
			for _, t := range []time.Time{e.Start, e.span.until()} {
				if t.IsZero() {
					continue
				}
				if t.Before(from) {
					from = t
				}
				if t.After(to) {
					to = t
				}
			}
		}
	}
	return timeline.Over(from, to, columns)
}

// clip shortens a text that came from a file to some columns.
func clip(s string, columns int) string { return timeline.Clip(clean(s), columns) }

// clean drops what could steer a terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '·'
		}
		return r
	}, s)
}

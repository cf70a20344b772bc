package trustedroot

import (
	"fmt"
	"strings"
	"time"
	"unicode"
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
	fmt.Fprintf(&b, "%-*s%s\n", labels, "At "+stamp(v.At), axis.years())
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
			fmt.Fprintf(&b, "%s %-*s%s\n", mark, labels-2, clip(e.label(), labels-3), axis.bar(e, v.At))
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

// axis maps instants to columns.
type axis struct {
	from, to time.Time
	columns  int
}

// axis spans all windows and the instant asked for. An entry without a start
// does not stretch it.
func (v *View) axis(columns int) axis {
	a := axis{from: v.At, to: v.At, columns: columns}
	for _, r := range v.Roles {
		for _, e := range r.Entries {
			for _, t := range []time.Time{e.Start, e.span.until()} {
				if t.IsZero() {
					continue
				}
				if t.Before(a.from) {
					a.from = t
				}
				if t.After(a.to) {
					a.to = t
				}
			}
		}
	}
	// whole years on both sides, so that the scale reads easily
	a.from = time.Date(a.from.UTC().Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	a.to = time.Date(a.to.UTC().Year()+1, 1, 1, 0, 0, 0, 0, time.UTC)
	return a
}

// part returns where an instant lies, from 0 to 1. Seconds instead of a
// Duration, which ends after 292 years.
func (a axis) part(t time.Time) float64 {
	whole := float64(a.to.Unix() - a.from.Unix())
	return min(1, max(0, float64(t.Unix()-a.from.Unix())/whole))
}

func (a axis) column(t time.Time) int {
	return min(a.columns-1, int(a.part(t)*float64(a.columns)))
}

// ticks returns the years to write, no more than fit.
func (a axis) ticks(most int) []time.Time {
	first, last := a.from.Year(), a.to.Year()
	step := max(1, (last-first+most-1)/max(1, most))
	var out []time.Time
	for y := first; y < last; y += step {
		out = append(out, time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC))
	}
	return out
}

func (a axis) years() string {
	line := []rune(strings.Repeat(" ", a.columns))
	for _, t := range a.ticks(a.columns / 6) {
		copy(line[a.column(t):], []rune(fmt.Sprint(t.Year())))
	}
	return strings.TrimRight(string(line), " ")
}

func (a axis) bar(e Entry, at time.Time) string {
	line := []rune(strings.Repeat(" ", a.columns))
	from, to := 0, a.columns-1
	if !e.Start.IsZero() {
		from = a.column(e.Start)
	}
	if until := e.span.until(); !until.IsZero() {
		to = a.column(until)
	}
	r := '━'
	if e.End == nil {
		r = '─'
	}
	for i := from; i <= to; i++ {
		line[i] = r
	}
	if from <= to {
		line[from] = '├'
		if e.End != nil {
			line[to] = '┤'
		}
	}
	line[a.column(at)] = '│'
	return strings.TrimRight(string(line), " ")
}

// clip shortens a text that came from a file to some columns.
func clip(s string, columns int) string {
	r := []rune(clean(s))
	if len(r) > columns {
		return string(r[:columns-1]) + "…"
	}
	return string(r)
}

// clean drops what could steer a terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '·'
		}
		return r
	}, s)
}

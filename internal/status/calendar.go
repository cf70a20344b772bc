package status

import (
	"fmt"
	"strings"
	"time"
)

// Calendar draws every item as a bar over the same years:
//
//	━ valid   ─ an open window, which nothing ends   ┃ now
//
// width is that of the terminal, at least 60 columns. A long list of closed
// windows is shortened to the newest of each name.
func (s *Status) Calendar(width int) string {
	const labels = 26
	c := s.axis(max(width, 60) - labels)
	var b strings.Builder
	fmt.Fprintf(&b, "%-*s%s\n", labels, "", c.years())
	for _, i := range s.Items {
		if i.Replaced && i.Expires != nil || i.Kind == KindTerm {
			continue
		}
		fmt.Fprintf(&b, "%-*s%s\n", labels, clip(i.Title(), labels-1), c.bar(i, s.At))
	}
	return b.String()
}

// axis is a span of whole years over so many columns.
type axis struct {
	from, to time.Time
	columns  int
}

// axis begins with the year before now and ends with the last expiry.
func (s *Status) axis(columns int) axis {
	from, to := s.At.Year(), s.At.Year()+1
	for _, i := range s.Items {
		if !i.Start.IsZero() && i.Start.Before(s.At) {
			from = min(from, max(i.Start.Year(), s.At.Year()-3))
		}
		if i.Expires != nil {
			to = max(to, min(i.Expires.Year()+1, s.At.Year()+20))
		}
	}
	day := func(year int) time.Time { return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC) }
	return axis{day(from), day(to), columns}
}

// column returns where an instant stands, cut off at both ends.
func (a axis) column(t time.Time) int {
	part := float64(t.Sub(a.from)) / float64(a.to.Sub(a.from))
	return max(0, min(a.columns-1, int(part*float64(a.columns))))
}

// years writes each year where it begins, as far as there is room.
func (a axis) years() string {
	line := []rune(strings.Repeat(" ", a.columns))
	free := 0
	for year := a.from.Year(); year < a.to.Year(); year++ {
		at := a.column(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC))
		if text := fmt.Sprint(year); at >= free && at+len(text) <= a.columns {
			copy(line[at:], []rune(text))
			free = at + len(text) + 1
		}
	}
	return strings.TrimRight(string(line), " ")
}

func (a axis) bar(i Item, now time.Time) string {
	line := []rune(strings.Repeat(" ", a.columns))
	first, last, mark := a.column(now), a.columns-1, '━'
	if !i.Start.IsZero() {
		first = a.column(i.Start)
	}
	if i.Expires != nil {
		last = a.column(*i.Expires)
	} else {
		mark = '─'
	}
	for at := first; at <= last; at++ {
		line[at] = mark
	}
	line[a.column(now)] = '┃'
	return strings.TrimRight(string(line), " ")
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

package status

import (
	"fmt"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/timeline"
)

// Calendar draws every item as a bar over the same years:
//
//	├━┤ valid   ├─ an open window, which nothing ends   │ now
//
// width is that of the terminal, at least 60 columns. A long list of closed
// windows is shortened to the newest of each name. The years begin three
// before now at the earliest, and end twenty after it at the latest.
func (s *Status) Calendar(width int) string {
	const labels = 26
	from, to := s.At, s.At
	for _, i := range s.Items {
		if !i.Start.IsZero() && i.Start.Before(from) {
			from = i.Start
		}
		if i.Expires != nil && i.Expires.After(to) {
			to = *i.Expires
		}
	}
	if first := s.At.AddDate(-3, 0, 0); from.Before(first) {
		from = first
	}
	if last := s.At.AddDate(19, 0, 0); to.After(last) {
		to = last
	}
	axis := timeline.Over(from, to, max(width, 60)-labels)
	var b strings.Builder
	fmt.Fprintf(&b, "%-*s%s\n", labels, "", axis.Years())
	for _, i := range s.Items {
		if i.Replaced && i.Expires != nil || i.Kind == KindTerm {
			continue
		}
		start, end := i.Start, time.Time{}
		if start.IsZero() {
			start = s.At
		}
		if i.Expires != nil {
			end = *i.Expires
		}
		fmt.Fprintf(&b, "%-*s%s\n", labels, timeline.Clip(i.Title(), labels-1), axis.Bar(start, end, i.Expires == nil, s.At))
	}
	return b.String()
}

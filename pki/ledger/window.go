package ledger

import (
	"slices"
	"time"
)

// Windows returns the generations of an authority or a log.
func (s *State) Windows(name string) []Generation {
	if generations, ok := s.Authorities[name]; ok {
		return generations
	}
	return s.Logs[name]
}

// check closes every open generation of each name but the newest: the
// services were seen to use that one. What the old key signed until then must
// stay valid, so a window reaches to the switch and not only to the notBefore
// of the new certificate.
func (c *Cutover) check(s *State, ps *problems, e *Entry) func() {
	past(ps, "at", c.At, e.Time)
	if len(c.Names) == 0 {
		ps.add("names is empty")
	}
	if c.Unpublished != "" {
		ps.text("unpublished", c.Unpublished)
	}
	for i, name := range c.Names {
		generations := s.Windows(name)
		newest := Newest(generations)
		switch {
		case slices.Contains(c.Names[:i], name):
			ps.add("names holds %s twice", name)
		case newest == nil:
			ps.add("%q is neither an authority nor a log of the ledger", name)
		case len(replaced(generations)) == 0:
			ps.add("%s has no generation that a newer one could replace", name)
		case c.At.Before(newest.Start):
			ps.add("at is before %s of generation %d of %s", newest.Start.Format(time.RFC3339), newest.Number, name)
		}
		for _, g := range replaced(generations) {
			if c.At.Before(g.Start) {
				ps.add("at is before %s of generation %d of %s", g.Start.Format(time.RFC3339), g.Number, name)
			}
		}
	}
	return func() {
		for _, name := range c.Names {
			old := replaced(s.Windows(name))
			for i := range old {
				old[i].close(c.At)
				old[i].replaced = true
			}
		}
	}
}

// replaced returns the generations that a cutover to the newest one closes:
// those before it that no earlier cutover closed. It looks at no others, so
// that a whole ledger is read in linear time.
func replaced(generations []Generation) []Generation {
	end := max(len(generations)-1, 0)
	start := end
	for start > 0 && !generations[start-1].replaced {
		start--
	}
	return generations[start:end]
}

// close ends the window at t, or keeps an earlier end. No window outlives its
// certificate.
func (g *Generation) close(t time.Time) {
	if g.Certificate != nil && g.Certificate.NotAfter.Before(t) {
		t = g.Certificate.NotAfter
	}
	if g.End == nil || t.Before(*g.End) {
		g.End = &t
	}
}

package ledger

import (
	"maps"
	"slices"
	"time"
)

// check closes every generation of one key, and everything under it.
func (c *Compromise) check(s *State, ps *problems, e *Entry) func() {
	past(ps, "since", c.Since, e.Time)
	ps.text("reason", c.Reason)
	key := c.Key
	if key != "" {
		ps.digest("key", key)
		ps.text("name", c.Name)
		if owner, known := s.owners[key]; known {
			ps.add("key is that of %s: name it and its generation", owner)
		}
		if c.Generation != 0 {
			ps.add("generation is %d beside a key", c.Generation)
		}
	} else {
		generations := s.All(c.Name)
		if c.Generation < 1 || c.Generation > len(generations) {
			ps.add("%q has no generation %d in the ledger", c.Name, c.Generation)
			return nil
		}
		key = generations[c.Generation-1].Key()
	}
	if before := s.Compromised[key]; before != nil && !before.Since.After(c.Since) && (before.Leaves || !c.Leaves) {
		ps.add("the key is recorded as compromised since %s already", before.Since.Format(time.RFC3339))
	}
	return func() {
		if before := s.Compromised[key]; before == nil || c.Since.Before(before.Since) {
			s.Compromised[key] = c
		}
		for _, of := range []map[string][]Generation{s.Authorities, s.Logs, s.Apps, {OnlineKey: s.Online}} {
			for name, generations := range of {
				for i := range generations {
					if generations[i].Key() == key {
						fall(s, name, &generations[i], c, c.Leaves)
					}
				}
			}
		}
	}
}

// fall closes a generation at the last second before a misuse, and every
// certificate that it issued. One that began later was never honest.
func fall(s *State, name string, g *Generation, c *Compromise, leaves bool) {
	g.close(c.Since.Add(-time.Second))
	g.Left = g.Left || leaves || !g.Start.Before(c.Since)
	if g.Compromised == nil || c.Since.Before(g.Compromised.Since) {
		g.Compromised = c
	}
	if g.Certificate == nil {
		return
	}
	for below, generations := range s.Authorities {
		for i := range generations {
			if b := &generations[i]; below != name && b.Certificate.Issuer == name && b.issuer == g.Number {
				fall(s, below, b, c, leaves)
			}
		}
	}
}

// inherit gives a certificate that was just added what befell its key or its
// issuer before: ledgers that earlier versions wrote may hold one.
func inherit(s *State, c *Certificate) {
	g := Newest(s.Authorities[c.Authority])
	if by := s.Compromised[c.SPKISHA256]; by != nil {
		fall(s, c.Authority, g, by, by.Leaves)
	}
	if above := s.Issuer(g); above != nil && above.Compromised != nil {
		fall(s, c.Authority, g, above.Compromised, false)
	}
}

func issuerOf(s *State, c *Certificate) int {
	switch {
	case c.Issuer == c.Authority:
		return 0
	case c.IssuerGeneration > 0:
		return c.IssuerGeneration
	}
	newest := len(s.Authorities[c.Issuer])
	for newest > 1 && s.Authorities[c.Issuer][newest-1].Standby {
		newest--
	}
	return newest
}

// Issuer returns the generation that issued a certificate, nil for a root and
// for what is not an authority.
func (s *State) Issuer(g *Generation) *Generation {
	if g.Certificate == nil || g.issuer < 1 || g.issuer > len(s.Authorities[g.Certificate.Issuer]) {
		return nil
	}
	return &s.Authorities[g.Certificate.Issuer][g.issuer-1]
}

// All returns the generations of an authority, a log, an application or the
// online key.
func (s *State) All(name string) []Generation {
	if generations := s.Windows(name); len(generations) > 0 {
		return generations
	}
	if name == OnlineKey {
		return s.Online
	}
	return s.Apps[name]
}

// Under returns the certificates that hang under a generation, near ones first.
func (s *State) Under(name string, number int) []Generation {
	var out []Generation
	for below, generations := range s.Authorities {
		for _, g := range generations {
			if below != name && g.Certificate.Issuer == name && g.issuer == number {
				out = append(append(out, g), s.Under(below, g.Number)...)
			}
		}
	}
	sortGenerations(out)
	return out
}

// CompromisedKeys returns the hex SHA-256 of every key (SPKI) that is known as
// compromised, ascending.
func (s *State) CompromisedKeys() []string { return slices.Sorted(maps.Keys(s.Compromised)) }

// LeftKeys returns the hex SHA-256 of the keys whose entries left
// trusted_root.json, ascending.
func (s *State) LeftKeys() []string {
	left := map[string]bool{}
	for _, of := range []map[string][]Generation{s.Authorities, s.Logs} {
		for _, generations := range of {
			for i := range generations {
				if generations[i].Left {
					left[generations[i].Key()] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(left))
}

package ledger

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// find returns a generation, or notes that there is none.
func find(s *State, ps *problems, name string, number int) *Generation {
	generations := s.All(name)
	if number < 1 || number > len(generations) {
		ps.add("%q has no generation %d in the ledger", name, number)
		return nil
	}
	return &generations[number-1]
}

func (c *CRL) check(s *State, ps *problems, _ *Entry) func() {
	g := find(s, ps, c.Issuer, c.Generation)
	if g != nil && g.Certificate == nil {
		ps.add("issuer %s is not an authority", c.Issuer)
	}
	ps.name("ceremony", c.Ceremony)
	ps.instant("this_update", c.ThisUpdate)
	ps.instant("next_update", c.NextUpdate)
	if !c.NextUpdate.After(c.ThisUpdate) {
		ps.add("next_update is not after this_update")
	}
	if last := s.LastCRL(c.Issuer, c.Generation); last != nil && (c.Number <= last.Number || c.ThisUpdate.Before(last.ThisUpdate)) {
		ps.add("CRL %d of %s does not follow CRL %d of %s", c.Number, c.ThisUpdate.Format(time.RFC3339), last.Number, last.ThisUpdate.Format(time.RFC3339))
	} else if c.Number < 1 {
		ps.add("number is %d: CRLs are numbered from 1", c.Number)
	}
	for _, serial := range c.Revoked {
		if _, known := s.Serials[serial]; !known {
			ps.add("revoked: serial %q is none of the ledger's", serial)
		}
	}
	if !slices.IsSorted(c.Revoked) {
		ps.add("revoked is not in ascending order")
	}
	commit := files(s, ps, named{"file", c.File})
	return func() {
		s.CRLs[c.Issuer] = append(s.CRLs[c.Issuer], *c)
		commit()
	}
}

// LastCRL returns the newest CRL of one key of an issuer, nil before the first.
func (s *State) LastCRL(issuer string, generation int) *CRL {
	for _, c := range slices.Backward(s.CRLs[issuer]) {
		if c.Generation == generation {
			return &c
		}
	}
	return nil
}

func (p *Promote) check(s *State, ps *problems, _ *Entry) func() {
	g := find(s, ps, p.Name, p.Generation)
	switch {
	case g == nil:
	case !g.Standby:
		ps.add("%s generation %d stands by no more, or never did", p.Name, p.Generation)
	case g.Compromised != nil:
		ps.add("%s generation %d is compromised", p.Name, p.Generation)
	}
	return func() { g.Standby = false }
}

// check ends a generation that nothing replaces. A root ends once nothing
// under it is open.
func (e *Ended) check(s *State, ps *problems, entry *Entry) func() {
	past(ps, "at", e.At, entry.Time)
	if e.Ceremony != "" {
		ps.name("ceremony", e.Ceremony)
	}
	g := find(s, ps, e.Name, e.Generation)
	if g == nil {
		return nil
	}
	if e.At.Before(g.Start) {
		ps.add("at is before %s, when the generation begins", g.Start.Format(time.RFC3339))
	}
	commit := func() {}
	if e.Checkpoint != nil {
		commit = files(s, ps, named{"checkpoint", *e.Checkpoint})
		if g.Log == nil || e.What != EndRetired {
			ps.add("checkpoint is of a log that is retired")
		}
	}
	for _, below := range s.Under(e.Name, e.Generation) {
		if !below.over(e.At) {
			ps.add("%s generation %d under it is still open", below.Certificate.Authority, below.Number)
		}
	}
	switch e.What {
	case EndRetired:
		if g.Retired != nil || g.Destroyed != nil {
			ps.add("%s generation %d is retired already", e.Name, e.Generation)
		}
		return func() {
			g.close(e.At)
			g.Retired, g.replaced = e, true
			commit()
		}
	case EndDestroyed:
		if g.Destroyed != nil {
			ps.add("%s generation %d is destroyed already", e.Name, e.Generation)
		} else if g.Retired == nil && g.Compromised == nil && !g.Standby {
			ps.add("%s generation %d is in use: retire it first", e.Name, e.Generation)
		}
		return func() {
			g.close(e.At)
			g.Destroyed = e
		}
	}
	ps.add("what is %q: a generation is %s or %s", e.What, EndRetired, EndDestroyed)
	return nil
}

func (i *Incident) check(s *State, ps *problems, _ *Entry) func() {
	ps.text("reason", i.Reason)
	commit := files(s, ps, named{"file", i.File})
	return func() {
		s.Incidents = append(s.Incidents, *i)
		commit()
	}
}

func (g *GivenUp) check(s *State, ps *problems, _ *Entry) func() {
	ps.digest("head", g.Head)
	ps.text("of", g.Of)
	ps.text("reason", g.Reason)
	if _, twice := s.GivenUp[g.Head]; twice {
		ps.add("the head %s is given up already", g.Head)
	}
	return func() { s.GivenUp[g.Head] = *g }
}

// over reports whether verifiers accept nothing new of a generation at an
// instant.
func (g *Generation) over(at time.Time) bool {
	return g.End != nil && !g.End.After(at) || g.Certificate != nil && g.Certificate.NotAfter.Before(at)
}

// Refuses says why nothing may be issued over a key under a generation of an
// issuer: a compromise, a root that stands by, an end. It is nil where nothing
// speaks against it; issuer "" stands for a root's own certificate. The error
// carries fault.Verification.
func (s *State) Refuses(key, issuer string, generation int) error {
	refuse := func(hint, format string, args ...any) error {
		return fault.New(fault.Verification, hint, fmt.Errorf(format, args...))
	}
	if c := s.Compromised[strings.ToLower(key)]; c != nil && key != "" {
		return refuse("plan a generation with a new key", "the key of %s is COMPROMISED since %s (%s): nothing is issued over it", c.Name, c.Since.Format(time.RFC3339), c.Reason)
	}
	generations := s.Authorities[issuer]
	if generation < 1 || generation > len(generations) {
		return nil
	}
	switch g := generations[generation-1]; {
	case g.Compromised != nil:
		return refuse("promote the standby root or make a new one, and issue under that", "%s generation %d is COMPROMISED since %s (%s): nothing is issued under it", issuer, generation, g.Compromised.Since.Format(time.RFC3339), g.Compromised.Reason)
	case g.Standby:
		return refuse("run trustroot promote first, or issue under another root", "%s generation %d stands by and is trusted by nobody", issuer, generation)
	case !g.Live():
		return refuse("issue under another root", "%s generation %d is retired: nothing is issued under it", issuer, generation)
	}
	return nil
}

// refuses holds a new line against Refuses: what older lines hold is read.
func refuses(s *State, e *Entry) error {
	switch {
	case e.Certificate != nil:
		return s.Refuses(e.Certificate.SPKISHA256, e.Certificate.Issuer, issuerOf(s, e.Certificate))
	case e.Log != nil:
		return s.Refuses(e.Log.LogID, "", 0)
	case e.App != nil:
		return s.Refuses(e.App.SPKISHA256, "", 0)
	case e.Online != nil:
		return s.Refuses(e.Online.SPKISHA256, "", 0)
	}
	return nil
}

func sortGenerations(all []Generation) {
	slices.SortStableFunc(all, func(a, b Generation) int {
		return cmp.Or(cmp.Compare(a.Certificate.Authority, b.Certificate.Authority), cmp.Compare(a.Number, b.Number))
	})
}

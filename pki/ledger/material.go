package ledger

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// What happens to material.
const (
	MaterialReceived  = "received"  // came, from whom Note says
	MaterialSealed    = "sealed"    // went into a bag
	MaterialOpened    = "opened"    // was taken out of its bag
	MaterialMoved     = "moved"     // is kept elsewhere from now on
	MaterialInspected = "inspected" // a token attested the same key again
	MaterialDestroyed = "destroyed" // is no more
)

// Material is what happened to a device, a medium or a paper.
type Material struct {
	Item     string    `json:"item"` // "token 20000001", "PIN of the root, first half"
	What     string    `json:"what"`
	Bag      string    `json:"bag,omitempty"` // number of the tamper-evident bag that was closed or opened
	By       []string  `json:"by"`            // who did it and who saw it: two people
	Where    string    `json:"where"`         // where it is from now on; for one destroyed, where that was done
	At       time.Time `json:"at"`
	Ceremony string    `json:"ceremony,omitempty"` // on whose day
	Note     string    `json:"note,omitempty"`
	// of an inspection
	Key       string `json:"key,omitempty"` // hex SHA-256 of the SPKI that the token attested
	PINTries  int    `json:"pin_tries,omitempty"`
	PUKTries  int    `json:"puk_tries,omitempty"`
	Statement *File  `json:"statement,omitempty"` // what the token said, with its attestation
}

// TokenItem names a token among material.
func TokenItem(serial uint32) string { return fmt.Sprintf("token %d", serial) }

// String says what happened in one line.
func (m *Material) String() string {
	text := m.Item + " " + m.What
	if m.Bag != "" {
		text += ", bag " + m.Bag
	}
	text += ", by " + strings.Join(m.By, " and ") + ", " + m.Where
	if m.Note != "" {
		text += ": " + m.Note
	}
	return text
}

// check wants each item to come once, each bag to be used once and to be
// opened as it was closed, and nothing to happen to what is no more.
func (m *Material) check(s *State, ps *problems, e *Entry) func() {
	for field, text := range map[string]string{"item": m.Item, "where": m.Where} {
		ps.text(field, text)
	}
	past(ps, "at", m.At, e.Time)
	if len(m.By) < 2 || slices.Contains(m.By, "") || m.By[0] == m.By[1] {
		ps.add("by names %d people: material is handled by two", len(m.By))
	}
	for _, name := range m.By {
		ps.text("by", name)
	}
	if m.Ceremony != "" {
		ps.name("ceremony", m.Ceremony)
	}
	life := s.Material[m.Item]
	if len(life) == 0 && m.What != MaterialReceived {
		ps.add("%q was never received", m.Item)
	}
	bag := Bag(life)
	if n := len(life); n > 0 {
		if life[n-1].What == MaterialDestroyed {
			ps.add("%q was destroyed on %s", m.Item, life[n-1].At.Format(time.DateOnly))
		}
		if m.At.Before(life[n-1].At) {
			ps.add("at is before %s, when %q was %s", life[n-1].At.Format(time.RFC3339), m.Item, life[n-1].What)
		}
	}
	checkBag(s, ps, m, bag, len(life) > 0)
	commit := func() {}
	if m.What == MaterialInspected {
		ps.digest("key", m.Key)
		if m.Statement == nil {
			ps.add("statement is missing")
		} else {
			commit = files(s, ps, named{"statement", *m.Statement})
		}
	} else if m.Key != "" || m.PINTries != 0 || m.PUKTries != 0 || m.Statement != nil {
		ps.add("key, tries and statement are of an inspection")
	}
	return func() {
		s.Material[m.Item] = append(life, *m)
		commit()
	}
}

// checkBag holds an act against the bag that the item is in, "" for none.
func checkBag(s *State, ps *problems, m *Material, bag string, known bool) {
	switch m.What {
	case MaterialReceived:
		if known {
			ps.add("%q was received before", m.Item)
		}
	case MaterialSealed:
		if bag != "" {
			ps.add("%q is in bag %s, which was never opened", m.Item, bag)
		}
		if m.Bag == "" {
			ps.add("bag is missing: write down the number of the bag")
		}
		for item, life := range s.Material {
			for i := range life {
				if used := &life[i]; m.Bag != "" && used.What == MaterialSealed && used.Bag == m.Bag && (item == m.Item || Bag(life) != m.Bag) {
					ps.add("bag %s was used before, for %q", m.Bag, item)
				}
			}
		}
	case MaterialOpened:
		switch {
		case bag == "":
			ps.add("%q is in no bag: it was never closed, or it is open already", m.Item)
		case m.Bag != bag:
			ps.add("%q was closed in bag %s, and this is bag %q", m.Item, bag, m.Bag)
		}
	case MaterialMoved, MaterialInspected, MaterialDestroyed:
		if m.Bag != "" && m.Bag != bag {
			ps.add("%q is in bag %q, and this says %s", m.Item, bag, m.Bag)
		}
		if m.What != MaterialMoved && bag != "" {
			ps.add("%q is in bag %s: write down first that it was opened", m.Item, bag)
		}
	default:
		ps.add("what is %q: material is received, sealed, opened, moved, inspected or destroyed", m.What)
	}
}

// Bag is the bag that an item is in after its life so far, "" for none.
func Bag(life []Material) string {
	for _, m := range slices.Backward(life) {
		switch m.What {
		case MaterialSealed:
			return m.Bag
		case MaterialOpened:
			return ""
		}
	}
	return ""
}

package renewal

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// Closed is a window that an entry of the ledger closed, and what follows.
type Closed struct {
	Name       string    `json:"name"`
	Generation int       `json:"generation"`
	End        time.Time `json:"end"`               // inclusive
	Newer      int       `json:"newer,omitempty"`   // generation in use since; 0 when none is
	Honours    string    `json:"honours,omitempty"` // which clients an end stops, and which not
}

// Closing is what a cutover or a compromise changed and what is to be done.
type Closing struct {
	Closed []Closed `json:"closed"`
	Next   []string `json:"next"`             // in this order
	Staged string   `json:"staged,omitempty"` // folder of the change that publishes it
}

// Cutover records in one entry when services were seen to use their newest
// generation, and closes the windows of the older ones there.
func Cutover(d *trustdir.Dir, c ledger.Cutover, now time.Time) (*Closing, error) {
	if err := CheckCutover(d, c.Names, c.At, now); err != nil {
		return nil, err
	}
	if out := Recorded(d, c.Names, c.At); out != nil {
		return out, nil
	}
	before := ends(d, c.Names)
	if err := d.Append(now, ledger.Entry{Cutover: &c}); err != nil {
		return nil, err
	}
	return &Closing{Closed: closed(d, c.Names, before)}, nil
}

// Recorded returns what a cutover closed that stands in the ledger already: the
// command was stopped after its entry. It is nil if one of the names has another
// end or none.
func Recorded(d *trustdir.Dir, names []string, at time.Time) *Closing {
	before := ends(d, names)
	for _, name := range names {
		g := d.State.All(name)
		if len(g) < 2 || g[len(g)-2].End == nil || !g[len(g)-2].End.Equal(at) {
			return nil
		}
		maps.DeleteFunc(before, func(_ string, end time.Time) bool { return end.Equal(at) })
	}
	return &Closing{Closed: closed(d, names, before)}
}

// CheckCutover refuses what Cutover would not record: a time that is not after
// the new generation's start, or after now.
func CheckCutover(d *trustdir.Dir, names []string, at, now time.Time) error {
	if at.After(now) {
		return fault.New(fault.Usage, "record a switch once it was seen, with the time at which it happened",
			fmt.Errorf("--at %s lies ahead: nothing was recorded", trustdir.Stamp(at)))
	}
	if slices.Contains(names, plan.RootAuthority) {
		return fault.New(fault.Usage, "end one, once nothing under it is open, with `trustroot retire root --generation N`; promote one that stands by with `trustroot promote`",
			errors.New("roots are not cut over: each issues until it is retired; nothing was recorded"))
	}
	var errs []error
	for _, name := range names {
		g := ledger.Newest(d.State.Windows(name))
		switch {
		case g == nil:
			errs = append(errs, fmt.Errorf("%q is neither an authority nor a log of the ledger", name))
		case g.Number == 1:
			errs = append(errs, fmt.Errorf("%s has one generation: there is nothing that it could replace", name))
		case !at.After(g.Start.Add(time.Second)): // trusted roots with such a window are refused, and the ledger forgets nothing
			errs = append(errs, fmt.Errorf("%s begins %s: nobody was seen to use it at %s", trustdir.GenerationName(name, g.Number), trustdir.Stamp(g.Start), trustdir.Stamp(at)))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fault.New(fault.Usage, "name what was switched, and when it was seen to use the new key; nothing was recorded", err)
	}
	return nil
}

// ends are the ends of windows by generation: "fulcio g1".
func ends(d *trustdir.Dir, names []string) map[string]time.Time {
	out := map[string]time.Time{}
	for _, name := range names {
		for _, g := range d.State.All(name) {
			if g.End != nil {
				out[trustdir.GenerationName(name, g.Number)] = *g.End
			}
		}
	}
	return out
}

func closed(d *trustdir.Dir, names []string, before map[string]time.Time) []Closed {
	var out []Closed
	for _, name := range names {
		generations := d.State.All(name)
		for i, g := range generations {
			if g.End == nil || before[trustdir.GenerationName(name, g.Number)].Equal(*g.End) {
				continue
			}
			c := Closed{Name: name, Generation: g.Number, End: *g.End, Honours: honours(g)}
			if i+1 < len(generations) {
				c.Newer = generations[len(generations)-1].Number
			}
			out = append(out, c)
		}
	}
	return out
}

// honours says which clients stop at the end of a window. An end is no
// revocation: some clients do not look at it.
func honours(g ledger.Generation) string {
	switch {
	case g.Log != nil && g.Log.Kind == plan.RekorV2:
		return "sigstore-go and cosign do not look at the window of a Rekor v2 key and accept it as before; sigstore-rs drops the log, and all that it proved"
	case g.Log != nil:
		return "sigstore-go and cosign reject later certificate timestamps; sigstore-rs drops the log, and all that it proved"
	case g.Online != nil:
		return "clients accept what it signs until they have a root that does not name it"
	case g.App != nil:
		return "an application's key has no window in trusted_root.json: verifiers accept it until its target is gone"
	}
	switch g.Certificate.Profile {
	case pki.ProfileFulcioCA:
		return "sigstore-go, cosign and sigstore-js reject later signatures; sigstore-python ignores a Fulcio CA's window and accepts them as before"
	case pki.ProfileTSA, pki.ProfileTSALeaf:
		return "sigstore-go, cosign and sigstore-js reject later timestamps"
	case pki.ProfileRoot:
		return "the root stands in the chains of others: no client looks at a window of its own, so what it issued must be closed as well"
	default:
		return "it stands in no entry of its own: no client looks at its window"
	}
}

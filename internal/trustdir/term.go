package trustdir

import (
	"maps"
	"slices"
	"time"

	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// FullTerm returns the authority of the plan with the longest validity and the
// days, both included, on which a generation of the root may issue it for all of
// that. Before the first the root is too young, after the last too old. The name
// is empty where the plan has no authority or the root is too short for it.
func FullTerm(d *Dir, root ledger.Generation) (name string, from, until time.Time) {
	start, end := root.Certificate.NotBefore.UTC(), root.Certificate.NotAfter.UTC()
	var length time.Duration
	for _, n := range slices.Sorted(maps.Keys(d.Plan.Authorities)) {
		a := d.Plan.Authorities[n]
		if l := a.Validity.NotAfter(start).Sub(start); n != plan.RootAuthority && a.Validity.NotAfter(start).Before(end.Add(time.Second)) && l > length {
			name, length = n, l
		}
	}
	if name == "" {
		return "", from, until
	}
	validity := d.Plan.Authorities[name].Validity
	until = end.Add(-length).Truncate(24*time.Hour).AddDate(0, 0, 2) // leap days make a term longer or shorter
	for validity.NotAfter(until).After(end) {
		until = until.AddDate(0, 0, -1)
	}
	return name, start, until
}

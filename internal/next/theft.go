package next

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// theft is what a compromise makes urgent: the root that stands by, new keys in
// place of those that ended, and CRLs that revoke what the root issued.
func (w *way) theft() {
	roots := w.State.Authorities[plan.RootAuthority]
	live := slices.ContainsFunc(roots, func(g ledger.Generation) bool { return g.Live() })
	if stands := slices.ContainsFunc(roots, func(g ledger.Generation) bool { return g.Standby }); len(roots) > 0 && !live {
		if stands {
			w.add(Step{Who: Administrator, What: "The root is lost: have verifiers trust the one that stands by"}, "promote")
		} else {
			w.add(Step{Who: Administrator, What: "The root is lost: make another one, on a token of its own"}, "renew root --new-key --token SERIAL --ceremony NAME --day "+w.now.Format(time.DateOnly)+" --write")
		}
		return // nothing is issued before that
	}
	day := " --ceremony NAME --day " + w.now.Format(time.DateOnly)
	for _, kind := range []struct {
		known   map[string][]ledger.Generation
		planned func(name string) int
		flags   string
	}{
		{w.State.Authorities, func(name string) int { return len(w.Plan.Authorities[name].Generations) }, day},
		{w.State.Logs, func(name string) int { return len(w.Plan.Logs[name].Generations) }, ""},
		{w.State.Apps, func(name string) int { return len(w.Plan.Apps[name].Generations) }, ""},
	} {
		var names []string
		for _, name := range slices.Sorted(maps.Keys(kind.known)) {
			all := kind.known[name]
			if name != plan.RootAuthority && all[len(all)-1].Compromised != nil && kind.planned(name) == len(all) {
				names = append(names, name)
			}
		}
		if len(names) > 0 {
			w.add(Step{Who: Administrator, What: fmt.Sprintf("Plan new keys in place of those that were stolen: %s", strings.Join(names, ", "))},
				"renew "+strings.Join(names, " ")+" --new-key"+kind.flags+" --write")
		}
	}
}

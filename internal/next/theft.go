package next

import (
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/renewal"
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
	for _, o := range renewal.Replacements(w.Dir, w.now) {
		w.add(Step{Who: Administrator, What: "Plan new keys in place of those that were stolen: " + strings.Join(o.Names, ", ")}, o.Command())
	}
}

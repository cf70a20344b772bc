package next

import (
	"fmt"
	"maps"
	"slices"

	"github.com/linnemanlabs/trustroot/internal/publish"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/pki/tuf"
)

// publication is the change under way, or the one that is to be staged.
func (w *way) publication() error {
	if w.Plan.TUF == nil {
		return nil
	}
	stage := "tuf stage"
	if w.first() {
		stage = "tuf init"
	}
	staged, err := publish.Waiting(w.Dir)
	if err != nil {
		return err
	}
	if staged != nil {
		w.add(Step{Who: Administrator, What: "Stage the change for the holders", Done: true}, stage)
		return w.signatures(staged)
	}
	// before there is a root, nothing can be published
	if len(w.State.Authorities[plan.RootAuthority]) > 0 && !w.first() {
		published, err := publish.Published(w.Dir)
		if err != nil || published {
			return err
		}
	}
	change := trustdir.StagedDir + "/NUMBER"
	w.add(Step{Who: Administrator, What: "Stage the change for the holders"}, stage)
	w.add(Step{Who: Holder, What: "Read the change and sign it"}, "trustroot-offline tuf sign "+change+" --serial SERIAL")
	w.add(Step{Who: Administrator, What: "Publish it in every place"}, "tuf publish "+change+w.practice())
	return nil
}

// signatures are those that a staged change waits for, and its publication.
func (w *way) signatures(staged *tuf.Staged) error {
	roles, err := staged.Status()
	if err != nil {
		return err
	}
	waits := map[string]bool{} // by holder: whether a threshold is open
	for _, r := range roles {
		for _, demand := range r.Demands {
			for _, name := range demand.Waiting {
				waits[name] = waits[name] || demand.Open() > 0
			}
		}
	}
	folder := staged.Dir()
	for _, name := range slices.Sorted(maps.Keys(waits)) {
		if h, ok := w.Plan.Holders[name]; ok && waits[name] && !staged.Sealed() {
			w.add(Step{Who: Holder, Name: name, What: "Read the change and sign it"}, fmt.Sprintf("trustroot-offline tuf sign %s --serial %d --slot %s", folder, h.Token, h.Slot))
		}
	}
	w.add(Step{Who: Administrator, What: "Publish it in every place"}, "tuf publish "+folder+w.practice())
	return nil
}

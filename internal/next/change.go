package next

import (
	"fmt"
	"maps"
	"path/filepath"
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
		if err != nil {
			return err
		}
		fits, err := publish.RootFits(w.Dir)
		if err != nil || published && fits {
			return err
		}
		if !fits { // holders came or went, or the online key did
			stage = "tuf stage root"
		}
	}
	change := trustdir.StagedDir + "/NUMBER"
	w.add(Step{Who: Administrator, What: "Stage the change for the holders"}, stage)
	w.add(Step{Who: Holder, What: "Read the change, sign it, and send the reply back"}, "trustroot-offline tuf sign NUMBER.tar --serial SERIAL")
	w.add(Step{Who: Administrator, What: "Publish it in every place"}, "tuf publish "+change+" "+change+"-*.json"+w.practice())
	return nil
}

// signatures are those that a staged change waits for, and its publication.
func (w *way) signatures(staged *tuf.Staged) error {
	roles, err := staged.Status()
	if err != nil {
		return err
	}
	waits, needed := map[string]bool{}, 0 // by holder: whether a threshold is open
	for _, r := range roles {
		for _, demand := range r.Demands {
			needed = max(needed, demand.Open())
			for _, name := range demand.Waiting {
				waits[name] = waits[name] || demand.Open() > 0
			}
		}
	}
	folder, replies := staged.Dir(), ""
	number := filepath.Base(folder)
	for _, name := range slices.Sorted(maps.Keys(waits)) {
		if _, ok := w.Plan.Holders[name]; ok && waits[name] && !staged.Sealed() {
			reply := number + "-" + name + ".json"
			w.add(Step{Who: Holder, Name: name, What: fmt.Sprintf("Read the change %s, sign it, and send %s back (%d more signatures are needed)", tuf.ChangeFile(folder), reply, needed),
				Needed: needed, Elsewhere: true, Done: w.has(trustdir.StagedDir + "/" + reply)}, "trustroot-offline tuf sign "+tuf.ChangeFile(number)+w.token(name))
			replies = " " + folder + "-*.json"
		}
	}
	what := "Publish it in every place"
	if replies != "" {
		what = "Save the replies in " + trustdir.StagedDir + "/, and publish in every place"
	}
	w.add(Step{Who: Administrator, What: what}, "tuf publish "+folder+replies+w.practice())
	return nil
}

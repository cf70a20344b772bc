package next

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// create is the making of keys.
func (w *way) create() {
	if w.founding || w.Plan.Pinned() != nil {
		w.add(Step{Who: Administrator, What: "Make the keys in KMS", Larger: command(w.Path, "prepare"), Done: w.Plan.Named()}, "kms create --write")
	}
}

// pins invites those holders who have not joined, and has the keys pinned. It
// returns the holders.
func (w *way) pins() []string {
	var holders []string
	if w.Plan.TUF != nil {
		for _, name := range slices.Sorted(maps.Keys(w.Plan.Holders)) {
			if !slices.Contains(w.Plan.TUF.Root.Holders, name) && !slices.Contains(w.Plan.TUF.Targets.Holders, name) || w.joined(name) && !w.founding {
				continue
			}
			holders = append(holders, name)
			at := trustdir.HolderDir(name)
			w.add(Step{Who: Administrator, What: "Invite " + name + ": send them " + at + trustdir.InvitationOf(name), Larger: command(w.Path, "prepare"),
				Done: w.joined(name) || w.has(at+"challenge.json")}, "tuf invite "+name)
		}
	}
	if pinned := w.Plan.Pinned() == nil; w.founding || !pinned {
		w.add(Step{Who: SecondPerson, What: "With your own credentials, on your own machine: look the keys up and write their pins into the plan", Done: pinned}, "kms list --pin --write")
	}
	return holders
}

func (w *way) joined(name string) bool { return w.has(trustdir.HolderDir(name) + trustdir.PublicFile) }

// prepares is the larger command of what follows the pins: it takes the replies
// of holders who have not joined, and goes on to the stick where there is a
// ceremony.
func (w *way) prepares(ceremony string) string {
	words := []string{"prepare"}
	if w.Plan.TUF != nil {
		for _, name := range slices.Sorted(maps.Keys(w.Plan.Holders)) {
			if w.has(trustdir.HolderDir(name) + "challenge.json") {
				words = append(words, name+".json")
			}
		}
	}
	replies := len(words) > 1
	if ceremony != "" {
		words = append(words, "--out STICK")
		if w.Plan.Ceremonies[ceremony].ImageSHA256 != "" {
			words = append(words, "--image ceremony.iso")
		}
	}
	if replies {
		return command(w.Path, strings.Join(words, " ")+w.practice())
	}
	return command(w.Path, strings.Join(words, " "))
}

// joins are the holders' answers to their invitations.
func (w *way) joins(holders []string) {
	for _, name := range holders {
		w.add(Step{Who: Holder, Name: name, What: "Make your key on your token and send " + name + ".json back", Elsewhere: true, Done: w.joined(name)},
			"trustroot-offline tuf join "+trustdir.InvitationOf(name)+w.token(name))
	}
	for _, name := range holders {
		w.add(Step{Who: Administrator, What: "Take " + name + "'s key in", Larger: w.prepares(w.pending()), Done: w.joined(name)}, "tuf join --accept "+name+".json"+w.practice())
	}
}

// token are the flags that name a holder's token and the slot of their key.
func (w *way) token(name string) string {
	h := w.Plan.Holders[name]
	text := fmt.Sprintf(" --serial %d", h.Token)
	if h.Slot != "9a" {
		text += " --slot " + h.Slot
	}
	return text
}

// splits is the flag by which two people choose the PIN of a new token.
func splits(w *way, c plan.Ceremony) string {
	if len(c.Operators) > 1 && len(w.State.Authorities[plan.RootAuthority]) == 0 {
		return " --split-pin"
	}
	return ""
}

// networked is the flag of a ceremony that is practised on a machine as it is.
func networked(w *way) string {
	if w.Plan.Rehearsal != nil {
		return " --allow-network"
	}
	return ""
}

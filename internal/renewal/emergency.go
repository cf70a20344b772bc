package renewal

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// Replacements are the renewals that thefts ask for: a new key in place of each
// that ended and of which the plan has no later one. Those of authorities share
// a ceremony today; there are none while no root may issue.
func Replacements(d *trustdir.Dir, now time.Time) []Options {
	var out []Options
	add := func(known map[string][]ledger.Generation, o Options) {
		for _, name := range slices.Sorted(maps.Keys(known)) {
			_, planned := d.Plan.Generations(name)
			if all := known[name]; name != plan.RootAuthority && all[len(all)-1].Compromised != nil && len(planned) == len(all) {
				o.Names = append(o.Names, name)
			}
		}
		if o.NewKey = true; len(o.Names) > 0 {
			out = append(out, o)
		}
	}
	live := func(g ledger.Generation) bool { return g.Live() }
	if roots := d.State.Authorities[plan.RootAuthority]; slices.ContainsFunc(roots, live) {
		day := now.UTC().Truncate(24 * time.Hour)
		add(d.State.Authorities, Options{Ceremony: plan.FreshCeremony(d.Plan, "emergency-"+day.Format(time.DateOnly)), Day: day})
	}
	add(d.State.Logs, Options{})
	add(d.State.Apps, Options{})
	return out
}

// Command is the command line that writes the renewal into the plan.
func (o Options) Command() string {
	line := "renew " + strings.Join(o.Names, " ") + " --new-key"
	if o.Ceremony != "" {
		line += " --ceremony " + o.Ceremony + " --day " + o.Day.Format(time.DateOnly)
	}
	return line + " --write"
}

// Emergency writes the Replacements into the plan and returns what follows, one
// sentence for each. What cannot be written is named with its command.
func Emergency(d *trustdir.Dir, now time.Time) []string {
	var out []string
	for _, o := range Replacements(d, now) {
		r, err := Renew(d, o)
		if err == nil {
			err = WritePlan(d, r.Plan)
		}
		if err == nil {
			d, err = trustdir.Open(d.Path)
		}
		if err != nil {
			return append(out, fmt.Sprintf("plan a new key now: trustroot %s (%v)", o.Command(), err))
		}
		text := "a new key for " + strings.Join(o.Names, ", ") + " stands in " + trustdir.PlanFile
		if o.Ceremony != "" {
			text += ", in the ceremony " + o.Ceremony
			if d.Plan.Authorities[plan.RootAuthority].CRL != nil {
				text += ", where the root also signs the CRL"
			}
		}
		out = append(out, text+": trustroot prepare")
	}
	return out
}

// RootDay adds a ceremony today at the token of a root to the plan, for its CRL
// alone or to destroy its key as well, and returns the ceremony's name.
func RootDay(d *trustdir.Dir, number int, destroy bool, now time.Time) (string, error) {
	a := d.Plan.Authorities[plan.RootAuthority]
	if number < 1 || number > len(a.Generations) {
		return "", fault.New(fault.Usage, "trustroot status shows the roots", fmt.Errorf("the plan has no root generation %d; nothing was written", number))
	}
	if a.CRL == nil && !destroy {
		return "", fault.New(fault.Usage, "add crl: {next_update, url} to the root in the plan", errors.New("the plan says of no CRL where it is found; nothing was written"))
	}
	day := now.UTC().Truncate(24 * time.Hour)
	token := d.Plan.Ceremonies[a.Generations[number-1].Ceremony].Token
	if token == 0 {
		return "", fault.New(fault.Usage, "write the ceremony into the plan yourself, with its token", fmt.Errorf("no ceremony of the plan made root generation %d, so its token is not known; nothing was written", number))
	}
	first := "crl-"
	if destroy {
		first = "end-"
	}
	name := plan.FreshCeremony(d.Plan, first+day.Format(time.DateOnly))
	in, err := plan.AppendCeremony(d.PlanBytes, name, plan.Ceremony{Day: day.Format(time.DateOnly), NotBefore: day, Token: token, Destroy: destroy})
	if err != nil {
		return "", fault.New(fault.Usage, "nothing was written", err)
	}
	return name, WritePlan(d, in.Apply(d.PlanBytes))
}

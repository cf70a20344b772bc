package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// openNames are the services of which an older generation is still open.
func openNames(s *ledger.State) []string {
	var names []string
	for _, of := range []map[string][]ledger.Generation{s.Authorities, s.Logs} {
		for _, name := range slices.Sorted(maps.Keys(of)) {
			g := of[name]
			if name != plan.RootAuthority && len(g) > 1 && g[len(g)-2].End == nil { // roots issue beside each other
				names = append(names, name)
			}
		}
	}
	return names
}

// Cutover records the switch to the newest generations, of the names or of
// every service that has an older one open, and publishes the closed windows.
// A zero time is now. As with Run, the caller calls Close.
func Cutover(ctx context.Context, o Options, names []string, at time.Time) (*Rehearsal, error) {
	r := &Rehearsal{Options: o}
	_, state, err := open(r)
	if err != nil {
		return r, err
	}
	if len(names) == 0 {
		names = openNames(state)
	}
	if len(names) == 0 {
		return r, fault.New(fault.Usage, "rehearse a renewal first: trustroot rehearse renew --out "+o.Out,
			fmt.Errorf("no service in %s has an older generation that is still open; nothing was changed", o.Out))
	}
	if at.IsZero() {
		at = o.Now
	}
	err = r.walk(ctx, []step{
		{title: "the virtual YubiKeys and the KMS run again", run: r.do(restart)},
		{title: "the observed switch: " + strings.Join(names, ", "), run: func(ctx context.Context) error { return switched(ctx, r, names, at) }, day: publicationDay},
		{title: "trusted_root.json: the old windows closed", run: func(ctx context.Context) error { return rebuild(ctx, r, false) }},
		{title: "the TUF repository, after the switch", run: func(ctx context.Context) error { return publish(ctx, r, "stage") }},
		{title: "a stranger's look: the trusted root, the repository", run: r.do(look)},
		{title: "what the days asked of people", run: r.do(count)},
	})
	if err != nil {
		return r, err
	}
	return r, os.RemoveAll(kept(r))
}

func switched(ctx context.Context, r *Rehearsal, names []string, at time.Time) error {
	if err := r.keep(); err != nil {
		return err
	}
	err := r.trustroot(ctx, slices.Concat([]string{"cutover"}, names, []string{"--at", at.UTC().Format(time.RFC3339), "--urgent"})...) // a rehearsal does not wait for a week
	if err != nil && ctx.Err() == nil {
		return errors.Join(err, os.RemoveAll(kept(r))) // it recorded nothing
	}
	return err
}

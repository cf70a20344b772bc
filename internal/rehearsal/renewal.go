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
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// renewal is what is renewed, by what it takes.
type renewal struct {
	authorities []string  // a ceremony and a request to it
	logs        []string  // an entry of the ledger that says when it begins
	others      []string  // a key
	start       time.Time // of the logs' new keys
}

// Renew gives the names, or every service, a next generation in the trust
// directory that an earlier rehearsal left, and publishes it beside the one
// that is in use. As with Run, the caller calls Close.
func Renew(ctx context.Context, o Options, names []string) (*Rehearsal, error) {
	r := &Rehearsal{Options: o}
	p, state, err := open(r)
	if err != nil {
		return r, err
	}
	n, err := renewalOf(p, names)
	if err != nil {
		return r, err
	}
	if len(n.authorities) > 0 {
		r.request = request{plan.FreshCeremony(p, renewing), state.Sequence + 1}
	}
	n.start = startOf(state, n.logs, o.Now)
	steps := []step{
		{title: "the virtual YubiKeys and the KMS run again", run: r.do(restart)},
		{title: "the next generations in the plan", run: func(ctx context.Context) error { return planRenewal(ctx, r, n) }},
		{title: "their keys in KMS, pinned in the plan", run: r.do(createKeys)},
		{title: "certification requests and checkpoint keys", run: func(ctx context.Context) error { return exportRenewed(ctx, r, n) }},
	}
	if len(n.authorities) > 0 {
		steps = append(steps, []step{
			{title: "the request that crosses to the ceremony host", run: r.createRequest, day: ceremonyDay},
			{title: "the ceremony: certificates under the root that is there", run: r.hold},
			{title: "back on the admin host: check and file the record", run: r.do(accept)},
		}...)
	}
	steps = append(steps, []step{
		{title: "trusted_root.json: the next generations, open beside those in use", run: func(ctx context.Context) error { return rebuild(ctx, r, true) }, day: publicationDay},
		{title: "the TUF repository, before any service switches", run: func(ctx context.Context) error { return publish(ctx, r, "stage") }},
		{title: "a stranger's look: the record, the trusted root, the repository", run: r.do(look)},
		{title: "what the days asked of people", run: r.do(count)},
	}...)
	if err := r.walk(ctx, steps); err != nil {
		return r, err
	}
	settle(ctx, r, n.start)
	return r, os.RemoveAll(kept(r))
}

// renewalOf sorts the names by what they are; none means every service.
func renewalOf(p *plan.Plan, names []string) (renewal, error) {
	var n renewal
	if len(names) == 0 {
		n.authorities = slices.DeleteFunc(slices.Sorted(maps.Keys(p.Authorities)), func(name string) bool { return name == plan.RootAuthority })
		n.logs = slices.Sorted(maps.Keys(p.Logs))
		return n, nil
	}
	for _, name := range names {
		_, isAuthority := p.Authorities[name]
		_, isLog := p.Logs[name]
		switch {
		case name == plan.RootAuthority:
			return n, fault.New(fault.Usage, "name what the root signs, a log or an application, or rehearse another founding with `trustroot rehearse --out DIR`",
				errors.New("a new root is another ceremony; nothing was changed"))
		case isAuthority:
			n.authorities = append(n.authorities, name)
		case isLog:
			n.logs = append(n.logs, name)
		default: // `renew` says what is wrong with a name that is none
			n.others = append(n.others, name)
		}
	}
	return n, nil
}

// planRenewal looks at what would be planned, and plans it.
func planRenewal(ctx context.Context, r *Rehearsal, n renewal) error {
	var commands [][]string
	if len(n.authorities) > 0 {
		commands = append(commands, slices.Concat([]string{"renew"}, n.authorities,
			[]string{"--new-key", "--ceremony", r.request.ceremony, "--day", r.Now.UTC().Format(time.DateOnly)}))
	}
	if len(n.logs) > 0 {
		commands = append(commands, slices.Concat([]string{"renew"}, n.logs, []string{"--new-key", "--start", n.start.Format(time.RFC3339)}))
	}
	if len(n.others) > 0 {
		commands = append(commands, slices.Concat([]string{"renew"}, n.others, []string{"--new-key"}))
	}
	if err := r.each(ctx, commands...); err != nil {
		return err
	}
	if err := r.keep(); err != nil {
		return err
	}
	for _, args := range commands {
		if _, err := r.run(ctx, append(args, "--write")...); err != nil {
			return err
		}
	}
	return nil
}

func exportRenewed(ctx context.Context, r *Rehearsal, n renewal) error {
	var commands [][]string
	if len(n.authorities) > 0 {
		commands = append(commands, append([]string{"kms", "csr"}, n.authorities...))
	}
	if rest := slices.Concat(n.logs, n.others); len(rest) > 0 {
		commands = append(commands, append([]string{"kms", "export"}, rest...))
	}
	for _, name := range n.logs {
		commands = append(commands, []string{"log", "add", name})
	}
	return r.each(ctx, commands...)
}

// rebuild builds what verifiers fetch, and looks at it as they and the holders
// do. newer says that there are generations of which no bundle is archived.
func rebuild(ctx context.Context, r *Rehearsal, newer bool) error {
	before, err := published(r)
	if err != nil {
		return err
	}
	commands := [][]string{{"trusted-root", "build"}, {"signing-config", "build"}}
	if newer {
		commands = append(commands, []string{"rehearse", "bundle"})
	}
	return r.each(ctx, append(commands,
		[]string{"trusted-root", "check", "--all"},
		[]string{"trusted-root", "diff", before, r.in(trustdir.TrustedRootFile)},
	)...)
}

// startOf is when the next keys of logs begin: a minute ago, so that a switch
// may follow at once, and later than the keys before them.
func startOf(s *ledger.State, logs []string, now time.Time) time.Time {
	start := now.UTC().Add(-time.Minute)
	for _, name := range logs {
		if g := ledger.Newest(s.Logs[name]); g != nil && !start.After(g.Start) {
			start = g.Start.UTC().Add(time.Second)
		}
	}
	return start
}

// settle waits until no switch can be taken for the very beginning of the new
// generations. It has nothing to wait for but just after midnight.
func settle(ctx context.Context, r *Rehearsal, start time.Time) {
	if midnight := r.Now.UTC().Truncate(24 * time.Hour); midnight.After(start) {
		start = midnight
	}
	select {
	case <-ctx.Done():
	case <-time.After(time.Until(start.Add(3 * time.Second))):
	}
}

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
// As with Run, the caller calls Close.
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

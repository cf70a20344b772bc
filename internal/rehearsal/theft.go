package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// stolen is the key whose theft is played.
type stolen struct {
	*Rehearsal
	name        string
	since       time.Time
	authorities []string // that get a new key
	root        int      // that issues them
	gone        int      // the root that is stolen; 0 where it is not
	lastCRL     bool     // the ceremony at the stolen root's own token follows
}

// Compromise plays the theft of an authority's key, or of the root's, in the
// trust directory that an earlier rehearsal left: a thief signs, the theft is
// recorded, what stood on the key is refused, closed, made again under another
// key and published. As with Run, the caller calls Close.
func Compromise(ctx context.Context, o Options, name string, since time.Time) (*Rehearsal, error) {
	r := &Rehearsal{Options: o}
	p, state, err := open(r)
	if err != nil {
		return r, err
	}
	s, err := stolenOf(p, state, name)
	if err != nil {
		return r, err
	}
	s.Rehearsal, s.since = r, since.UTC()
	r.request.sequence = state.Sequence + 1
	steps := []step{
		{title: "the virtual YubiKeys and the KMS run again", run: r.do(restart)},
		{title: "a thief signs with what the stolen key reaches", run: s.thiefSigns},
		{title: "the theft of the " + name + " key is recorded, and what replaces it is planned", run: s.record},
		{title: "what stands on the stolen key is refused from now on", run: s.refusals},
		{title: "their keys in KMS, pinned in the plan", run: r.do(createKeys)},
		{title: "certification requests", run: func(ctx context.Context) error { return exportRenewed(ctx, r, renewal{authorities: s.authorities}) }},
		{title: "the request that crosses to the ceremony host", run: r.createRequest, day: ceremonyDay},
		{title: fmt.Sprintf("the ceremony: certificates under root g%d", s.root), run: r.hold},
		{title: "back on the admin host: check and file the record", run: r.do(accept)},
	}
	if s.lastCRL {
		steps = append(steps,
			step{title: "at the stolen root's token: the CRL that revokes what it issued", run: s.revoke},
			step{title: "back on the admin host: check and file that record too", run: r.do(accept)})
	}
	steps = append(steps, []step{
		{title: "trusted_root.json: the old entries closed before the theft, the new ones open", run: func(ctx context.Context) error { return rebuild(ctx, r, true) }, day: publicationDay},
		{title: "the TUF repository", run: func(ctx context.Context) error { return publish(ctx, r, "stage") }},
		{title: "what was signed before the theft verifies, what the thief signed does not", run: s.afterTheft},
		{title: "a stranger's look: the record, the trusted root, the repository", run: r.do(look)},
		{title: "what the days asked of people", run: r.do(count)},
	}...)
	if err := r.walk(ctx, steps); err != nil {
		return r, err
	}
	return r, os.RemoveAll(kept(r))
}

// stolenOf finds what a theft takes with it.
func stolenOf(p *plan.Plan, state *ledger.State, name string) (stolen, error) {
	if _, known := p.Authorities[name]; !known {
		return stolen{}, fault.New(fault.Usage, "name an authority of the plan, such as fulcio, tsa or root; a log is renewed with `trustroot rehearse renew NAME`",
			fmt.Errorf("%s is not an authority of the plan; nothing was changed", name))
	}
	s := stolen{name: name, authorities: []string{name}}
	roots := state.Authorities[plan.RootAuthority]
	live := slices.IndexFunc(roots, func(g ledger.Generation) bool { return g.Live() })
	if live < 0 {
		return s, fault.New(fault.Usage, "rehearse again from the founding", errors.New("no root may issue; nothing was changed"))
	}
	if name != plan.RootAuthority {
		s.root = live + 1
		return s, nil
	}
	s.gone = live + 1
	s.authorities = slices.DeleteFunc(slices.Sorted(maps.Keys(p.Authorities)), func(name string) bool { return name == plan.RootAuthority })
	s.lastCRL = p.Authorities[plan.RootAuthority].CRL != nil
	for _, g := range roots {
		if g.Standby {
			s.root = g.Number
			return s, nil
		}
	}
	return s, fault.New(fault.Usage, "rehearse a founding with one: trustroot rehearse --standby --out DIR", errors.New("no root stands by, so nothing can be issued after the theft of the root; nothing was changed"))
}

func (r stolen) thiefSigns(ctx context.Context) error {
	if err := r.keep(); err != nil {
		return err
	}
	return r.trustroot(ctx, "rehearse", "bundle", "--another")
}

func (r stolen) record(ctx context.Context) error {
	args := []string{"compromise", r.name, "--since", r.since.Format(time.RFC3339), "--reason", "a rehearsed theft"}
	if r.name == plan.RootAuthority {
		args = append(args, "--generation", strconv.Itoa(r.gone))
	}
	err := r.trustroot(ctx, args...)
	if fault.ExitCode(err) == int(fault.Usage) { // its dates can be forged, and nobody answers
		err = r.trustroot(ctx, append(args, "--stay")...)
	}
	if err == nil && r.name == plan.RootAuthority {
		err = r.trustroot(ctx, "promote")
	}
	if err != nil {
		return err
	}
	p, err := planIn(r.in(trustdir.PlanFile))
	if err != nil {
		return err
	}
	generations := p.Authorities[r.authorities[0]].Generations
	r.request.ceremony = generations[len(generations)-1].Ceremony
	return nil
}

// refusals wants what would go on with the stolen key to be refused.
func (r stolen) refusals(ctx context.Context) error {
	again := []string{"renew", r.authorities[0], "--ceremony", "again", "--day", r.Now.UTC().Format(time.DateOnly)}
	if r.name == plan.RootAuthority {
		again = append(again, "--new-key", "--root", strconv.Itoa(r.gone))
	}
	for _, args := range [][]string{again, {"services", "render", r.authorities[0], "--out", r.in(stick, "services")}} {
		err := r.trustroot(ctx, args...)
		if fault.ExitCode(err) != int(fault.Verification) {
			return fmt.Errorf("trustroot %s should end with exit code %d after the theft: %w", args[0], fault.Verification, errors.Join(err, errors.New("it did not")))
		}
		r.say("      refused: %s", err)
	}
	return nil
}

// revoke holds a ceremony that signs nothing but the stolen root's CRL.
func (r stolen) revoke(ctx context.Context) error {
	p, err := planIn(r.in(trustdir.PlanFile))
	if err != nil {
		return err
	}
	r.request = request{plan.FreshCeremony(p, "crl-"+r.Now.UTC().Format(time.DateOnly)), r.request.sequence + 1}
	if err := r.trustroot(ctx, "request", "create", "--crl", strconv.Itoa(r.gone), "--out", r.in(stick)); err != nil {
		return err
	}
	return r.hold(ctx)
}

// afterTheft shows both kinds of bundles, each under what was published.
func (r stolen) afterTheft(ctx context.Context) error {
	for _, pattern := range []string{"*.sigstore.json", "*.after-theft.json"} {
		found, err := filepath.Glob(r.in("bundles", "*", pattern))
		if err != nil {
			return fmt.Errorf("look for bundles: %w", err)
		}
		stolen := pattern != "*.sigstore.json"
		if len(found) == 0 {
			return fmt.Errorf("no bundle is named bundles/*/%s", pattern)
		}
		for _, bundle := range found {
			err := r.trustroot(ctx, "trusted-root", "check", "--bundle", bundle)
			if (err != nil) != stolen {
				return errors.Join(err, fmt.Errorf("%s: verified %t, want %t", bundle, err == nil, !stolen))
			}
			if stolen {
				r.say("      refused, as it must be: %s", bundle)
			}
		}
	}
	return nil
}

// standbySteps found a second root, on the same day, that stands by.
func standbySteps(r *Rehearsal) []step {
	if !r.Standby {
		return nil
	}
	return []step{
		{title: "a second root on a token of its own, which nobody trusts until it is promoted", run: func(ctx context.Context) error {
			r.request = request{standing, r.request.sequence + 1}
			return r.each(ctx,
				[]string{"token", "provision", "--serial", serial(StandbySerial), "--for-root"},
				[]string{"renew", plan.RootAuthority, "--new-key", "--standby", "--token", serial(StandbySerial), "--ceremony", standing, "--day", r.Now.UTC().Format(time.DateOnly), "--write"},
			)
		}},
		{title: "the request of the second ceremony", run: r.createRequest},
		{title: "the second ceremony: the root that stands by", run: r.hold},
		{title: "back on the admin host: check and file its record", run: r.do(accept)},
	}
}

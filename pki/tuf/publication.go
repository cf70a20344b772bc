package tuf

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// errOvertaken says that another writer was faster: what was planned must be
// planned again.
var errOvertaken = errors.New("another writer published meanwhile")

// Publisher brings a repository into every place, the same bytes everywhere.
// The trust directory's own copy comes first: what the online key signed is
// kept there before any other place is written.
type Publisher struct {
	Own    *Place
	Places []*Place // others, in the plan's order: the first is where writers meet
	Online crypto.Signer
	Policy Policy
	Now    time.Time
	// Partial goes on with the other places when one cannot be reached, as a
	// refresh does; without it nothing is written then.
	Partial bool

	after   *repository
	staged  *Staged
	content map[string][]byte // target objects that some place lacks
}

// all lists the places in the order of writing, those that failed left out.
func (p *Publisher) all() []*Place {
	return slices.DeleteFunc(append([]*Place{p.Own}, p.Places...), func(place *Place) bool { return place.Err != nil })
}

// errStale marks a place that is ahead of the trust directory.
var errStale = errors.New("this trust directory is behind")

// fail keeps why a place is left out, or returns the error if it ends the run:
// everything does in a publication, and a directory that is behind in a refresh
// too.
func (p *Publisher) fail(place *Place, err error) error {
	if err == nil || errors.Is(err, errOvertaken) {
		return err
	}
	code, hint := fault.Verification, ""
	switch own := fault.Code(fault.ExitCode(err)); {
	case isUnreachable(err):
		code, hint = fault.Failure, "make it reachable, or leave it out by name: --without "+place.Name
	case errors.Is(err, errNotKept):
		code = fault.Failure
	case own != fault.Failure:
		code = own
	case fault.Hint(err) == "" && place != p.Own:
		hint = "find out who changed it; then move its files aside and fill it anew: --restore " + place.Name
	}
	err = fault.New(code, hint, fmt.Errorf("%s: %w", place.Name, err))
	if p.Partial && place != p.Own && !errors.Is(err, errStale) && !errors.Is(err, context.Canceled) {
		place.Err = err
		return nil
	}
	return err
}

// survey reads every place and judges it, before anything is written. want
// says what roots and targets are to be there, given our own copy.
func (p *Publisher) survey(ctx context.Context, want func(own *repository) error) error {
	var errs []error
	for _, place := range p.all() {
		if err := p.fail(place, place.read(ctx)); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(append(errs, ctx.Err())...); err != nil {
		return err
	}
	if err := want(p.Own.before); err != nil {
		return err
	}
	for role, old := range p.Own.before.targets {
		if p.after.targets[role] == nil {
			p.after.targets[role] = old // no longer delegated: clients refuse a snapshot that forgets a role
		}
	}
	for _, place := range p.all() {
		_, err := place.judge(p.after)
		// a runaway timestamp or snapshot is refused, unless the wanted root takes
		// its key away: then the count begins anew below it
		for _, d := range []*document{place.before.timestamp, place.before.snapshot} {
			if ran := p.runaway(d); err == nil && ran != nil && p.counts(d) {
				err = ran
			}
		}
		errs = append(errs, p.fail(place, err))
	}
	return errors.Join(errs...)
}

func (p *Publisher) runaway(d *document) error {
	if d == nil {
		return nil
	}
	return runaway(d, p.Own.before.version(d.role), p.Policy.window(d.role), p.Now)
}

func (r *repository) online(role string) *document {
	if role == metadata.TIMESTAMP {
		return r.timestamp
	}
	return r.snapshot
}

// counts reports whether clients with the wanted root take a timestamp or
// snapshot.
func (p *Publisher) counts(d *document) bool { return p.after.checkOnline(d) == nil }

// plan decides on snapshot and timestamp, and how each place gets there.
func (p *Publisher) plan(ctx context.Context) error {
	if err := p.checkKey(); err != nil {
		return err
	}
	if err := checkTargets(p.after.root(), p.after.targets); err != nil {
		return err
	}
	if err := planOnline(ctx, p); err != nil {
		return err
	}
	for _, place := range p.all() {
		if err := p.planOrder(place); err != nil {
			return p.fail(place, err)
		}
	}
	return nil
}

func changed(d *document) error {
	return fault.New(fault.Verification, "publish the sealed metadata that was published before, or stage a new version",
		fmt.Errorf("%s is published with other bytes", d.fileName()))
}

// checkKey refuses an online key that the wanted root does not name.
func (p *Publisher) checkKey() error {
	if p.Online == nil {
		return errors.New("no online signer")
	}
	id, err := KeyID(p.Online.Public())
	if err != nil {
		return fmt.Errorf("online key: %w", err)
	}
	for _, role := range []string{metadata.SNAPSHOT, metadata.TIMESTAMP} {
		set, err := rootSet(p.after.root(), role)
		if err != nil {
			return err
		}
		if set.keys[id] == nil {
			return fault.New(fault.Device, "use the KMS key that root names, or stage a root that names this one",
				fmt.Errorf("%s does not name the online key %.12s", set.label, id))
		}
	}
	return nil
}

// fresh reports whether online metadata needs no new version: it counts under
// the wanted root, this online key signed it, and it is not due.
func (p *Publisher) fresh(d *document) bool {
	id, err := KeyID(p.Online.Public())
	if err != nil || p.runaway(d) != nil {
		return false
	}
	set, err := rootSet(p.after.root(), d.role)
	if err != nil || set.check(d) != nil || !slices.Contains(set.signers(d), id) {
		return false
	}
	from, err := p.after.signFrom(d, windows(p, d.role))
	return err == nil && p.Now.Before(from)
}

// planOrder decides whether root is written in a place before timestamp.json or
// after it. Either way what is published between the two writes must hold. A
// place that is many versions behind may have no such way: root goes first.
func (p *Publisher) planOrder(place *Place) error {
	place.late = false
	before := place.before
	if before.timestamp == nil || len(p.after.roots) == len(before.roots) {
		return nil
	}
	early := holds(p.after.root(), before)
	if early == nil {
		return nil
	}
	late := holds(before.root(), p.after)
	if late == nil {
		place.late = true
		return nil
	}
	// a root without the former online key is signed for by people who knew
	if !p.counts(before.timestamp) || len(p.after.roots)-len(before.roots) > 1 {
		return nil
	}
	return fault.New(fault.Failure, "go in two steps: a root that has the old keys and the new ones, then one without the old",
		fmt.Errorf("clients that fetch meanwhile would be turned away: old metadata under the new root: %w; new metadata under the old root: %w", early, late))
}

// holds returns an error unless root's keys signed what a repository shows.
func holds(root *document, r *repository) error {
	return errors.Join(checkTargets(root, r.targets), signedUnder(root, r.snapshot), signedUnder(root, r.timestamp))
}

package tuf

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/tuf/store"
)

// Due is what a refresh did and what comes next.
type Due struct {
	Published
	Next []Deadline // earliest first
}

// Deadline is when a role must be signed again, and by whom.
type Deadline struct {
	Version
	SignFrom  time.Time // beginning of the window
	Online    bool      // the online key does it
	Now       bool      // the window is open
	Threshold int
	Holders   []string // who can sign, sorted; the names are the policy's
}

// People returns the deadlines of people whose window is open.
func (d Due) People() []Deadline {
	return slices.DeleteFunc(slices.Clone(d.Next), func(n Deadline) bool { return n.Online || !n.Now })
}

// Refresh signs snapshot and timestamp again where they are due, publishes
// them, and says what is due next. It touches nothing else. A repository that
// needs people first (an expired root or targets) is refused.
func Refresh(ctx context.Context, to store.Store, online crypto.Signer, pol Policy, now time.Time, opts ...Option) (Due, error) {
	o := collect(opts)
	p := &publication{st: to, key: online, pol: pol, now: now}
	out, err := locked(ctx, to, func() (*Published, error) {
		return p.run(ctx, o, func() error { return p.keep(o.root) })
	})
	var due Due
	if out != nil {
		due.Published = *out
	}
	if err != nil {
		return due, fmt.Errorf("refresh %s: %w", to, err)
	}
	due.Next, err = p.after.deadlines(pol, now)
	if err != nil {
		return due, fmt.Errorf("refresh %s: %w", to, err)
	}
	return due, nil
}

// keep wants what is published, if it is worth a fresh timestamp.
func (p *publication) keep(anchor []byte) error {
	r := p.before
	if r.timestamp == nil {
		return fault.New(fault.Failure, "publish to it first: `trustroot tuf publish STAGED --to PLACE` with the newest change", fmt.Errorf("%s holds no repository", p.st))
	}
	var errs []error
	docs := append([]*document{r.root()}, r.targets[metadata.TARGETS])
	for _, role := range delegations(r.targets[metadata.TARGETS]) {
		docs = append(docs, r.targets[role])
	}
	for _, d := range docs {
		if p.now.After(d.expires()) {
			errs = append(errs, fmt.Errorf("%s expired on %s", d.fileName(), d.expires().Format("2006-01-02")))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fault.New(fault.Due, "stage it again, let the holders sign, merge and publish", err)
	}
	if anchor != nil {
		if err := r.hasRoot(anchor); err != nil {
			return fault.New(fault.Verification, "do not sign for this repository before the cause is known", err)
		}
	}
	p.after = &repository{roots: slices.Clone(r.roots), targets: maps.Clone(r.targets)}
	return nil
}

// hasRoot returns an error unless a root is one of the chain.
func (r *repository) hasRoot(rootJSON []byte) error {
	trusted, err := parseDocument(metadata.ROOT, rootJSON)
	if err != nil {
		return err
	}
	v := verification{repo: r, report: &Report{}}
	v.checkRoots(trusted)
	return errors.Join(v.errs...)
}

// deadlines lists every role by the day on which it is due.
func (r *repository) deadlines(pol Policy, now time.Time) ([]Deadline, error) {
	names := pol.names()
	if id, err := KeyID(pol.Online); err == nil {
		names[id] = "the online key"
	}
	docs := []*document{r.root(), r.timestamp, r.snapshot, r.targets[metadata.TARGETS]}
	for _, role := range delegations(r.targets[metadata.TARGETS]) {
		docs = append(docs, r.targets[role])
	}
	var out []Deadline
	for _, d := range docs {
		set, err := r.keys(d.role)
		if err != nil {
			return nil, err
		}
		next := Deadline{
			Version:   Version{Role: d.role, Version: d.version(), Expires: d.expires()},
			Online:    d.snapshot != nil || d.timestamp != nil,
			Threshold: set.threshold,
		}
		for _, id := range set.keys.ids() {
			next.Holders = append(next.Holders, nameOf(names, id))
		}
		slices.Sort(next.Holders)
		// a role that does not say is due when it expires
		if next.SignFrom, err = r.signFrom(d, pol.window(d.role)); err != nil {
			next.SignFrom = d.expires()
		}
		next.Now = !now.Before(next.SignFrom)
		out = append(out, next)
	}
	slices.SortStableFunc(out, func(a, b Deadline) int { return a.SignFrom.Compare(b.SignFrom) })
	return out, nil
}

func (p Policy) window(role string) OnlineRole {
	if role == metadata.TIMESTAMP {
		return p.Timestamp
	}
	return p.Snapshot
}

// Deadlines reads a store and says what is due next, without signing.
func Deadlines(ctx context.Context, from store.Store, pol Policy, now time.Time) ([]Deadline, error) {
	r, err := loadPublished(ctx, from)
	if err != nil {
		return nil, fmt.Errorf("deadlines: %w", err)
	}
	return r.deadlines(pol, now)
}

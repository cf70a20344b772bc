package tuf

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
)

// Deadline is when a role must be signed again, and by whom.
type Deadline struct {
	Version
	SignFrom  time.Time `json:"sign_from"` // beginning of the window
	Online    bool      `json:"online"`    // the online key does it
	Now       bool      `json:"now"`       // the window is open
	Threshold int       `json:"threshold"`
	Holders   []string  `json:"holders"` // who can sign, sorted; the names are the policy's
}

// People returns the deadlines of people whose window is open.
func People(next []Deadline) []Deadline {
	return slices.DeleteFunc(slices.Clone(next), func(n Deadline) bool { return n.Online || !n.Now })
}

// Refresh signs snapshot and timestamp again where they are due, brings places
// up that are behind, and says what is due next, earliest first. A newer
// timestamp of another machine is taken over. It touches nothing else. A
// repository that needs people first (an expired root or targets) is refused. A
// place that cannot be reached or is not what it should be is left out, and
// said in the error.
func (p *Publisher) Refresh(ctx context.Context) ([]Deadline, error) {
	p.Partial, p.staged = true, nil
	err := run(ctx, p, func(r *repository) error { return keepOnline(p, r) })
	if err != nil {
		err = fmt.Errorf("refresh: %w", err)
	}
	if p.after == nil || p.after.timestamp == nil {
		return nil, err
	}
	next, errNext := p.after.deadlines(p.Policy, p.Now)
	return next, errors.Join(err, errNext)
}

// keepOnline wants what the trust directory has, if it is worth a fresh timestamp.
func keepOnline(p *Publisher, r *repository) error {
	if r.timestamp == nil {
		return fault.New(fault.Failure, "publish to it first: `trustroot tuf publish STAGED`", fmt.Errorf("%s holds no repository", p.Own.Name))
	}
	var errs []error
	for _, d := range r.documents() {
		if d.snapshot != nil || d.timestamp != nil {
			continue
		}
		if p.Now.After(d.expires()) {
			errs = append(errs, fmt.Errorf("%s expired on %s", d.fileName(), d.expires().Format("2006-01-02")))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fault.New(fault.Due, "stage it again, let the holders sign, merge and publish", err)
	}
	p.after = &repository{roots: slices.Clone(r.roots), targets: maps.Clone(r.targets)}
	return nil
}

// deadlines lists every role by the day on which it is due.
func (r *repository) deadlines(pol Policy, now time.Time) ([]Deadline, error) {
	names := pol.names()
	if id, err := KeyID(pol.Online); err == nil {
		names[id] = "the online key"
	}
	var out []Deadline
	for _, d := range r.documents() {
		set, err := r.keys(d.role)
		if err != nil {
			return nil, err
		}
		next := Deadline{
			Version:   d.versioned(),
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
func Deadlines(ctx context.Context, from objects.Store, pol Policy, now time.Time) ([]Deadline, error) {
	r, err := loadPublished(ctx, from)
	if err != nil {
		return nil, fmt.Errorf("deadlines: %w", err)
	}
	return r.deadlines(pol, now)
}

package tuf

import (
	"bytes"
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

// Seen is what was read back in a place the last time, by role: "root",
// "timestamp", "snapshot", "targets" and delegated roles.
type Seen map[string]int64

// Place is where a repository is kept: the trust directory's own copy, or one
// that verifiers fetch from.
type Place struct {
	Name    string
	Store   objects.Store // nil where it could not be opened
	Seen    Seen          // before a run what is recorded of it, after it what was read back
	Restore bool          // bring it up though it went back
	Err     error         // why it was left out, or where its run ended

	Published

	before  *repository
	have    map[string]objects.Object // target objects
	missing []string                  // target objects to write
	late    bool                      // root goes after timestamp.json
}

// State is how a place stands to what is wanted there.
type State string

// States of a place.
const (
	Current     State = "current"
	Behind      State = "behind"      // to be brought up
	Ahead       State = "ahead"       // the trust directory is stale
	RolledBack  State = "rolled-back" // older than what was read back there
	Foreign     State = "foreign"     // not a repository that this one became
	Unreachable State = "unreachable"
)

// isUnreachable tells a place that gave no answer from one that gave a wrong one.
func isUnreachable(err error) bool {
	return errors.Is(err, errRead) || errors.Is(err, objects.ErrUnreachable)
}

// errRead marks an error of reading, not of what was read.
var errRead = errors.New("cannot be read")

// read loads what a place shows.
func (p *Place) read(ctx context.Context) error {
	if p.Store == nil {
		return fmt.Errorf("%w: %w", errRead, p.Err)
	}
	var err error
	if p.before, err = load(ctx, p.Store); err != nil {
		return err
	}
	listed, err := p.Store.List(ctx, targetsDir+"/")
	if err != nil {
		return fmt.Errorf("%w: %w", errRead, err)
	}
	p.have = map[string]objects.Object{}
	for _, o := range listed {
		p.have[o.Name] = o
	}
	return nil
}

// judge holds what a place shows against the wanted roots and targets and
// against what was read back there.
func (p *Place) judge(after *repository) (State, error) {
	for role, seen := range p.Seen {
		if have := p.before.version(role); have < seen && !p.Restore {
			return RolledBack, fault.New(fault.Verification, "find out who took it back; then bring it up again with --restore "+p.Name,
				fmt.Errorf("it shows version %d of %s, and version %d was read back there before", have, role, seen))
		}
	}
	for i, root := range p.before.roots {
		switch {
		case i >= len(after.roots):
			return Ahead, stale(metadata.ROOT, root.version(), int64(len(after.roots)))
		case !bytes.Equal(root.raw, after.roots[i].raw):
			return Foreign, changed(root)
		}
	}
	state := Current
	for _, role := range slices.Sorted(maps.Keys(p.before.targets)) {
		was, now := p.before.targets[role], after.targets[role]
		switch {
		case now == nil || was.version() > now.version():
			return Ahead, stale(role, was.version(), now.version())
		case was.version() == now.version() && !bytes.Equal(was.raw, now.raw):
			return Foreign, changed(was)
		case was.version() < now.version():
			state = Behind
		}
	}
	if p.before.timestamp == nil || len(p.before.roots) < len(after.roots) {
		state = Behind
	}
	return state, nil
}

func stale(role string, there, here int64) error {
	return fault.New(fault.Verification, "bring the trust directory up to date from version control, or run the publication again that was begun from another copy",
		fmt.Errorf("%w: it shows version %d of %s, and here is version %d", errStale, there, role, here))
}

// version returns the version of a role that a repository shows, 0 for none.
func (r *repository) version(role string) int64 {
	switch role {
	case metadata.ROOT:
		return int64(len(r.roots))
	case metadata.TIMESTAMP:
		return r.timestamp.version()
	case metadata.SNAPSHOT:
		return r.snapshot.version()
	}
	return r.targets[role].version()
}

// seen is what a repository shows, by role.
func (r *repository) seen() Seen {
	out := Seen{metadata.ROOT: r.version(metadata.ROOT), metadata.TIMESTAMP: r.version(metadata.TIMESTAMP), metadata.SNAPSHOT: r.version(metadata.SNAPSHOT)}
	for role := range r.targets {
		out[role] = r.version(role)
	}
	return out
}

// maxJump is how far a timestamp or snapshot of another writer may be above the
// trust directory's: a version a day for 27 years.
const maxJump = 10_000

const onlineStolen = "the online key signed what this program does not sign: replace it as \"The online key is in other hands\" in docs/tuf.md says"

// runaway returns an error for a timestamp or snapshot that no honest writer
// makes: its expiry is beyond the plan's, or its version far above those of the
// trust directory.
func runaway(d *document, own int64, w OnlineRole, now time.Time) error {
	if d == nil {
		return nil
	}
	var err error
	switch own = min(own, maxVersion); {
	case d.version() > min(own+maxJump, maxVersion):
		err = fmt.Errorf("%s has jumped: the trust directory is at version %d", d.fileName(), own)
	case d.expires().After(now.Add(days(w.Expiry) + 24*time.Hour)):
		err = fmt.Errorf("%s expires on %s, and the plan gives it %d days", d.fileName(), d.expires().Format(time.RFC3339), w.Expiry)
	default:
		return nil
	}
	return fault.New(fault.Verification, onlineStolen, err)
}

// States reads every place but our own copy and holds it against that. It
// writes nothing.
func (p *Publisher) States(ctx context.Context) ([]State, []error) {
	states, errs := make([]State, len(p.Places)), make([]error, len(p.Places))
	errOwn := p.Own.read(ctx)
	for i, place := range p.Places {
		err := place.Err
		if err == nil {
			err = errors.Join(errOwn, place.read(ctx))
		}
		switch {
		case err != nil && (place.Err != nil || isUnreachable(err)):
			states[i] = Unreachable
		case err != nil:
			states[i] = Foreign
		default:
			states[i], err = place.judge(p.Own.before)
			if states[i] == Current && place.before.timestamp.version() < p.Own.before.timestamp.version() {
				states[i] = Behind
			}
		}
		errs[i] = err
	}
	return states, errs
}

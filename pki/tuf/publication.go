package tuf

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/tuf/store"
)

// errOvertaken says that another writer was faster: what was planned must be
// planned again.
var errOvertaken = errors.New("another writer published meanwhile")

// publication is one attempt to bring a store from what it holds to what is
// wanted.
type publication struct {
	st     store.Store
	key    crypto.Signer
	pol    Policy
	now    time.Time
	before *repository
	after  *repository

	objects map[string][]byte // new target objects, by object name
	late    bool              // root goes after timestamp.json
}

// plan decides on snapshot and timestamp once the wanted roots and targets are
// in p.after, and checks that the store can go there.
func (p *publication) plan(ctx context.Context) error {
	if err := p.checkForward(); err != nil {
		return err
	}
	if err := p.checkKey(); err != nil {
		return err
	}
	if err := checkTargets(p.after.root(), p.after.targets); err != nil {
		return err
	}
	if err := p.planSnapshot(ctx); err != nil {
		return err
	}
	if err := p.planTimestamp(ctx); err != nil {
		return err
	}
	return p.planOrder()
}

// checkForward refuses a version that goes back and other bytes under a
// published version.
func (p *publication) checkForward() error {
	for i, old := range p.before.roots {
		if i >= len(p.after.roots) {
			return backwards(metadata.ROOT, old.version(), int64(len(p.after.roots)))
		}
		if !bytes.Equal(old.raw, p.after.roots[i].raw) {
			return changed(old)
		}
	}
	for role, old := range p.before.targets {
		now := p.after.targets[role]
		switch {
		case now == nil:
			// clients refuse a snapshot that forgets a role
			p.after.targets[role] = old
		case now.version() < old.version():
			return backwards(role, old.version(), now.version())
		case now.version() == old.version() && !bytes.Equal(now.raw, old.raw):
			return changed(old)
		}
	}
	return nil
}

func backwards(role string, published, offered int64) error {
	return fault.New(fault.Failure, "stage the change again on top of what is published",
		fmt.Errorf("%s would go back from version %d to %d", role, published, offered))
}

func changed(d *document) error {
	return fault.New(fault.Failure, "publish the sealed metadata that was published before, or stage a new version",
		fmt.Errorf("%s is published with other bytes", d.fileName()))
}

// checkKey refuses an online key that the wanted root does not name.
func (p *publication) checkKey() error {
	if p.key == nil {
		return errors.New("no online signer")
	}
	id, err := KeyID(p.key.Public())
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
func (p *publication) fresh(d *document) bool {
	id, err := KeyID(p.key.Public())
	if err != nil {
		return false
	}
	set, err := rootSet(p.after.root(), d.role)
	if err != nil || set.check(d) != nil || !slices.Contains(set.signers(d), id) {
		return false
	}
	from, err := p.after.signFrom(d, p.windows(d.role))
	return err == nil && p.now.Before(from)
}

func (p *publication) windows(role string) OnlineRole {
	return windowsOf(p.after.root(), role, p.pol.window(role))
}

// listing is how snapshot and timestamp name a version.
func listing(d *document) *metadata.MetaFiles {
	sum := sha256.Sum256(d.raw)
	f := metadata.MetaFile(d.version())
	f.Length, f.Hashes = int64(len(d.raw)), metadata.Hashes{"sha256": sum[:]}
	return f
}

func sameListing(a, b map[string]*metadata.MetaFiles) bool {
	return maps.EqualFunc(a, b, func(x, y *metadata.MetaFiles) bool {
		return x.Version == y.Version && x.Length == y.Length && bytes.Equal(x.Hashes["sha256"], y.Hashes["sha256"])
	})
}

func (p *publication) planSnapshot(ctx context.Context) error {
	want := map[string]*metadata.MetaFiles{}
	for role, d := range p.after.targets {
		want[role+".json"] = listing(d)
	}
	good := func(d *document) bool { return p.fresh(d) && sameListing(d.snapshot.Signed.Meta, want) }
	if p.before.snapshot != nil && good(p.before.snapshot) {
		p.after.snapshot = p.before.snapshot
		return nil
	}
	var err error
	p.after.snapshot, err = p.next(ctx, metadata.SNAPSHOT, p.before.snapshot, good, func(version int64) *document {
		meta := metadata.Snapshot(expiry(p.now, p.windows(metadata.SNAPSHOT).Expiry))
		meta.Signed.Version, meta.Signed.Meta = version, want
		return &document{role: metadata.SNAPSHOT, snapshot: meta}
	})
	return err
}

func (p *publication) planTimestamp(ctx context.Context) error {
	want := map[string]*metadata.MetaFiles{"snapshot.json": listing(p.after.snapshot)}
	good := func(d *document) bool { return p.fresh(d) && sameListing(d.timestamp.Signed.Meta, want) }
	if p.before.timestamp != nil && good(p.before.timestamp) {
		p.after.timestamp = p.before.timestamp
		return nil
	}
	var err error
	p.after.timestamp, err = p.next(ctx, metadata.TIMESTAMP, p.before.timestamp, good, func(version int64) *document {
		meta := metadata.Timestamp(expiry(p.now, p.windows(metadata.TIMESTAMP).Expiry))
		meta.Signed.Version, meta.Signed.Meta = version, want
		return &document{role: metadata.TIMESTAMP, timestamp: meta}
	})
	return err
}

// maxOrphans bounds the versions that writers left behind that were stopped
// between a version's own object and timestamp.json.
const maxOrphans = 64

// next returns the version after old: the one that a stopped writer left behind
// if it says what is wanted, or one that is signed now. A version whose object
// is there and says something else is never used again.
func (p *publication) next(ctx context.Context, role string, old *document, good func(*document) bool, build func(int64) *document) (*document, error) {
	version := int64(1)
	if old != nil {
		version = old.version() + 1
	}
	for range maxOrphans {
		left, err := readDocument(ctx, p.st, role, fileName(role, version))
		if errors.Is(err, store.ErrNotFound) {
			d := build(version)
			if _, err := signDocument(d, p.key); err != nil {
				return nil, fault.New(fault.Device, "nothing was published; make the key usable and run the command again", err)
			}
			_, err = d.encode()
			return d, err
		}
		if err == nil && left.version() == version && good(left) {
			return left, nil
		}
		if err != nil && !isParseError(err) {
			return nil, err
		}
		version++
	}
	return nil, fmt.Errorf("more than %d versions of %s that no timestamp names", maxOrphans, role)
}

// planOrder decides whether root is written before timestamp.json or after it.
// Either way what is published between the two writes must hold.
func (p *publication) planOrder() error {
	first := len(p.before.roots) == 0 || p.before.timestamp == nil
	if first || len(p.after.roots) == len(p.before.roots) {
		return nil
	}
	early := holds(p.after.root(), p.before)
	if early == nil {
		return nil
	}
	late := holds(p.before.root(), p.after)
	if late == nil {
		p.late = true
		return nil
	}
	return fault.New(fault.Failure, "go in two steps: a root that has the old keys and the new ones, then one without the old",
		fmt.Errorf("clients that fetch meanwhile would be turned away: old metadata under the new root: %w; new metadata under the old root: %w", early, late))
}

// holds returns an error unless root's keys signed what a repository shows.
func holds(root *document, r *repository) error {
	errs := []error{checkTargets(root, r.targets)}
	for _, d := range []*document{r.snapshot, r.timestamp} {
		set, err := rootSet(root, d.role)
		if err == nil {
			err = set.check(d)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

package tuf

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
)

func windows(p *Publisher, role string) OnlineRole {
	return windowsOf(p.after.root(), role, p.Policy.window(role))
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

// planOnline decides on snapshot and then on timestamp.
func planOnline(ctx context.Context, p *Publisher) (err error) {
	want := map[string]*metadata.MetaFiles{}
	for role, d := range p.after.targets {
		want[role+".json"] = listing(d)
	}
	good := func(d *document) bool { return p.fresh(d) && sameListing(d.snapshot.Signed.Meta, want) }
	p.after.snapshot, err = next(ctx, p, metadata.SNAPSHOT, good, func(version int64) *document {
		meta := metadata.Snapshot(expiry(p.Now, windows(p, metadata.SNAPSHOT).Expiry))
		meta.Signed.Version, meta.Signed.Meta = version, want
		return &document{role: metadata.SNAPSHOT, snapshot: meta}
	})
	if err != nil {
		return err
	}
	want = map[string]*metadata.MetaFiles{"snapshot.json": listing(p.after.snapshot)}
	good = func(d *document) bool { return p.fresh(d) && sameListing(d.timestamp.Signed.Meta, want) }
	p.after.timestamp, err = next(ctx, p, metadata.TIMESTAMP, good, func(version int64) *document {
		meta := metadata.Timestamp(expiry(p.Now, windows(p, metadata.TIMESTAMP).Expiry))
		meta.Signed.Version, meta.Signed.Meta = version, want
		return &document{role: metadata.TIMESTAMP, timestamp: meta}
	})
	return err
}

// maxOrphans bounds the versions that writers left behind that were stopped
// between a version's own object and timestamp.json.
const maxOrphans = 64

// next returns the newest version that any place shows if it is good, or a
// later one: what a stopped writer left behind if it says what is wanted, or
// one that is signed now. A version whose object is there and says something
// else is never used again.
func next(ctx context.Context, p *Publisher, role string, good func(*document) bool, build func(int64) *document) (*document, error) {
	var newest int64
	var use *document
	for _, place := range append([]*Place{p.Own}, p.Places...) {
		if place.before == nil {
			continue
		}
		d := place.before.online(role)
		if d == nil || p.runaway(d) != nil {
			continue
		}
		switch {
		case d.version() > newest:
			newest, use = d.version(), d
		case d.version() == newest && use != nil && !bytes.Equal(d.raw, use.raw):
			use = nil // two writers, one version: neither goes on
		}
	}
	if use != nil && good(use) {
		return use, nil
	}
	for version := newest + 1; version <= newest+maxOrphans; version++ {
		left, taken, err := leftBehind(ctx, p, role, version)
		if err != nil {
			return nil, err
		}
		if !taken {
			d := build(version)
			if _, err := signDocument(d, p.Online); err != nil {
				return nil, fault.New(fault.Device, "nothing was published; make the key usable and run the command again", err)
			}
			_, err = d.encode()
			return d, err
		}
		if left != nil && good(left) {
			return left, nil
		}
	}
	return nil, fmt.Errorf("more than %d versions of %s that no timestamp names", maxOrphans, role)
}

// leftBehind looks for a version's own object in every place. taken says that
// some place has one; it is nil where they differ or are no metadata. One that
// names targets that the trust directory lacks is of a publication that was
// begun elsewhere.
func leftBehind(ctx context.Context, p *Publisher, role string, version int64) (left *document, taken bool, err error) {
	for _, place := range p.all() {
		d, err := readDocument(ctx, place.Store, role, fileName(role, version))
		switch {
		case errors.Is(err, objects.ErrNotFound):
			continue
		case isUnreachable(err):
			if err := p.fail(place, err); err != nil {
				return nil, false, err
			}
			continue
		case err != nil || d.version() != version || !p.counts(d):
			d = nil
		case d.snapshot != nil:
			for name, listed := range d.snapshot.Signed.Meta {
				role := name[:max(0, len(name)-len(".json"))]
				if now := p.after.targets[role].version(); listed.Version > now {
					return nil, false, p.fail(place, stale(role, listed.Version, now))
				}
			}
		}
		if taken && (left == nil || d == nil || !bytes.Equal(left.raw, d.raw)) {
			left = nil
			continue
		}
		left, taken = d, true
	}
	return left, taken, nil
}

// CheckNewest refuses a staged change, a folder or its one file, beside which a
// newer one lies that makes a version of the same role: only one of them can be
// published.
func CheckNewest(path string, s *Staged) error {
	beside, err := filepath.Glob(filepath.Join(filepath.Dir(filepath.Clean(path)), "[0-9][0-9][0-9][0-9]*"))
	if err != nil {
		return fmt.Errorf("look for a newer change than %s: %w", path, err)
	}
	number, _, _ := strings.Cut(filepath.Base(path), ".")
	for _, newer := range slices.Backward(beside) {
		if filepath.Base(newer)[:4] <= number {
			break
		}
		other, done, err := OpenChange(newer)
		supersedes := err == nil && other.digest != s.digest && slices.ContainsFunc(other.Versions(), func(v Version) bool {
			return slices.ContainsFunc(s.Versions(), func(w Version) bool { return v.Role == w.Role && v.Version == w.Version })
		})
		if err := done(); err != nil {
			return fmt.Errorf("look at %s: %w", newer, err)
		}
		if supersedes {
			return fault.New(fault.Usage, "take "+newer+" instead; remove it first if it was staged by mistake",
				fmt.Errorf("%s is superseded by %s, which makes %s version %d too", path, newer, other.sign[0].role, other.sign[0].version()))
		}
	}
	return nil
}

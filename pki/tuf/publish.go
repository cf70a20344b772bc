package tuf

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // finds damage of an object; trust rests on SHA-256
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
)

// attempts is how often a writer that was overtaken plans again.
const attempts = 8

// Published is what a publication or a refresh did in a place.
type Published struct {
	Written []string  `json:"written"` // objects, in the order of writing; none when all was there
	Roles   []Version `json:"roles"`   // what is published now
}

// Publish brings a merged change into every place: targets first,
// timestamp.json last, nothing removed. Snapshot and timestamp are signed once
// by the online key where they change or are due, for the windows that root
// signs (those of the policy if it signs none). Interrupted at any object,
// clients see the old repository or the new one, and a second run completes it.
//
// Every place is read before the first byte is written. It refuses a change
// that is not merged, a place that cannot be reached, one that is ahead of the
// trust directory or that went back, other bytes under a published version, and
// whatever Verify would refuse: the repository to be is verified in memory.
// What was written is read back as a client would.
func (p *Publisher) Publish(ctx context.Context, s *Staged) error {
	if !s.Sealed() {
		return fault.New(fault.Failure, "merge the signatures first", fmt.Errorf("publish %s: %w", s.dir, ErrNotSealed))
	}
	p.staged = s
	err := run(ctx, p, func(*repository) error {
		p.after = &repository{roots: slices.Clone(s.roots), targets: maps.Clone(s.trusted)}
		for _, d := range s.sign {
			sealed := s.sealed[d.role]
			if d.root != nil {
				p.after.roots = append(p.after.roots, sealed)
			} else {
				p.after.targets[d.role] = sealed
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("publish %s: %w", s.dir, err)
	}
	return nil
}

// run surveys, plans, verifies and writes, again if another writer was faster.
func run(ctx context.Context, p *Publisher, want func(own *repository) error) (err error) {
	for _, place := range p.Places {
		if place.Store == nil {
			err, place.Err = fmt.Errorf("%w: %w", errRead, place.Err), nil
			if err := p.fail(place, err); err != nil {
				return err
			}
		}
	}
	release, err := lock(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	for range attempts {
		err = attempt(ctx, p, want)
		if !errors.Is(err, errOvertaken) {
			break
		}
	}
	for _, place := range p.Places {
		if err == nil || errors.Is(err, errOvertaken) {
			err = errors.Join(err, place.Err)
		}
	}
	return err
}

func attempt(ctx context.Context, p *Publisher, want func(own *repository) error) error {
	if err := p.survey(ctx, want); err != nil {
		return err
	}
	if err := gather(ctx, p); err != nil {
		return err
	}
	if err := errors.Join(p.plan(ctx), ctx.Err()); err != nil {
		return err
	}
	var open []*Place
	for _, place := range p.all() {
		place.Roles, place.Seen = versionsOf(p.after.documents()), p.after.seen()
		if !p.done(place) {
			place.Seen = place.before.seen() // until it is read back
			open = append(open, place)
		}
	}
	if len(open) == 0 {
		return nil
	}
	// targets were compared with their hashes one by one in gather
	if _, err := verify(ctx, p.wouldBe(), p.after.roots[0].raw, p.Now, options{}, false); err != nil {
		return fault.New(fault.Verification, "nothing was published; correct the cause first", fmt.Errorf("clients would refuse the new repository: %w", err))
	}
	err := p.write(ctx, open)
	if err != nil && !errors.Is(err, errOvertaken) {
		return fault.New(fault.Code(fault.ExitCode(err)), "clients see the old repository or the new one; run the same command again to complete", err)
	}
	return err
}

// lock keeps other writers of the same directories out. A place that cannot be
// locked is left to survey, which says why.
func lock(ctx context.Context, p *Publisher) (release func() error, err error) {
	const wait = 30 * time.Second
	ctx, cancel := context.WithTimeoutCause(ctx, wait, objects.ErrLocked)
	defer cancel()
	var held []func() error
	free := func() error {
		var errs []error
		for _, release := range slices.Backward(held) {
			errs = append(errs, release())
		}
		return errors.Join(errs...)
	}
	for _, place := range p.all() {
		for place.Store != nil {
			release, err := place.Store.Lock(ctx)
			if err == nil {
				held = append(held, release)
				break
			}
			if !errors.Is(err, objects.ErrLocked) || ctx.Err() != nil {
				return nil, errors.Join(fault.New(fault.Failure, "another publication or refresh is running there; try again when it has ended", err), free())
			}
			select {
			case <-ctx.Done():
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
	return free, nil
}

// gather makes sure of every target: a place has it with the right bytes, or
// its content is at hand to be written there.
func gather(ctx context.Context, p *Publisher) error {
	all := files(p.after.targets)
	p.content = map[string][]byte{}
	for _, place := range p.all() {
		place.missing = nil
	}
	var mu sync.Mutex
	return each(ctx, slices.Sorted(maps.Keys(all)), func(ctx context.Context, name string) error {
		object := objectName(name, all[name].Hashes["sha256"].String())
		var lack, have []*Place
		for _, place := range p.all() {
			if _, there := place.have[object]; there {
				have = append(have, place)
			} else {
				lack = append(lack, place)
			}
		}
		if p.staged == nil && len(lack) == 0 {
			return nil // a refresh looks at what it must write
		}
		content, from, err := find(ctx, p, name, object, have)
		if err != nil {
			return err
		}
		if err := all[name].VerifyLengthHashes(content); err != nil {
			if from != nil {
				return p.fail(from, damaged(object))
			}
			return fmt.Errorf("target %s: %w", name, err)
		}
		for _, place := range have {
			if place == from {
				continue
			}
			if err := p.fail(place, place.compare(ctx, object, content)); err != nil {
				return err
			}
		}
		mu.Lock()
		defer mu.Unlock()
		for _, place := range lack {
			place.missing = append(place.missing, object)
			p.content[object] = content
		}
		return nil
	})
}

// find returns a target's bytes from the staged folder or from a place.
func find(ctx context.Context, p *Publisher, name, object string, have []*Place) ([]byte, *Place, error) {
	if p.staged != nil && p.staged.content[name] != nil {
		return p.staged.content[name], nil, nil
	}
	if len(have) > 0 {
		data, err := have[0].Store.Read(ctx, object, maxTargetFile)
		return data, have[0], err
	}
	return nil, nil, fault.New(fault.Failure, "restore tuf/ of the trust directory, or name a place that holds it",
		fmt.Errorf("target %s is neither in a place nor in the staged folder: %w", name, objects.ErrNotFound))
}

// compare checks a published object against its content: by the digest that
// the store knows, or byte for byte. The MD5 finds damage, not malice: what
// clients trust is the SHA-256 that holders signed.
func (p *Place) compare(ctx context.Context, object string, content []byte) error {
	there := p.have[object]
	if there.Size != int64(len(content)) {
		return damaged(object)
	}
	// a bucket's digest is not always an MD5 (it is none under SSE-KMS): only a
	// match says something
	if sum := md5.Sum(content); bytes.Equal(sum[:], there.MD5) { //nolint:gosec // see the import
		return nil
	}
	return p.same(ctx, object, content)
}

// same reads an object and compares it.
func (p *Place) same(ctx context.Context, object string, content []byte) error {
	published, err := p.Store.Read(ctx, object, maxTargetFile)
	if err != nil && !errors.Is(err, objects.ErrTooLarge) {
		return fmt.Errorf("%w: %w", errRead, err)
	}
	if !bytes.Equal(published, content) {
		return damaged(object)
	}
	return nil
}

func damaged(name string) error {
	return fault.New(fault.Verification, "find out who wrote it, then remove that object by hand",
		fmt.Errorf("the published object %s has other bytes than its name says", name))
}

// documents lists what a repository shows: root, timestamp, snapshot, targets and
// the roles that it delegates to.
func (r *repository) documents() []*document {
	top := r.targets[metadata.TARGETS]
	docs := []*document{r.root(), r.timestamp, r.snapshot, top}
	for _, role := range delegations(top) {
		docs = append(docs, r.targets[role])
	}
	return docs
}

// versionsOf lists versions without what they say.
func versionsOf(docs []*document) []Version {
	out := make([]Version, 0, len(docs))
	for _, d := range docs {
		out = append(out, d.versioned())
	}
	return out
}

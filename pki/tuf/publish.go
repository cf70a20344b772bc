package tuf

import (
	"bytes"
	"context"
	"crypto"
	"crypto/md5" //nolint:gosec // finds damage of an object; trust rests on SHA-256
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/tuf/store"
)

// attempts is how often a writer that was overtaken plans again.
const attempts = 8

// Published is what a publication or a refresh did.
type Published struct {
	Written []string  // objects, in the order of writing; none when all was there
	Roles   []Version // what is published now
}

// Publish brings a merged change into a store: targets first, timestamp.json
// last, nothing removed. Snapshot and timestamp are signed by the online key
// where they change or are due, for the windows that root signs (those of the
// policy if it signs none). Interrupted at any object, clients see the old
// repository or the new one, and a second run completes it.
//
// It refuses a change that is not merged, a version that goes back, other bytes
// under a published version, and whatever Verify would refuse: the repository
// to be is verified in memory before the first byte leaves.
func Publish(ctx context.Context, s *Staged, to store.Store, online crypto.Signer, pol Policy, now time.Time, opts ...Option) (*Published, error) {
	if !s.Sealed() {
		return nil, fault.New(fault.Failure, "merge the signatures first", fmt.Errorf("publish %s: %w", s.dir, ErrNotSealed))
	}
	o := collect(opts)
	out, err := locked(ctx, to, func() (*Published, error) {
		p := &publication{st: to, key: online, pol: pol, now: now}
		return p.run(ctx, o, func() error { return p.want(ctx, s, o.contents) })
	})
	if err != nil {
		return out, fmt.Errorf("publish %s to %s: %w", s.dir, to, err)
	}
	return out, nil
}

// run plans, verifies and writes, again if another writer was faster.
func (p *publication) run(ctx context.Context, o options, want func() error) (*Published, error) {
	out := &Published{}
	for range attempts {
		var err error
		if p.before, err = load(ctx, p.st); err != nil {
			return nil, err
		}
		if err := errors.Join(want(), ctx.Err()); err != nil {
			return nil, err
		}
		if err := p.plan(ctx); err != nil {
			return nil, err
		}
		out.Roles = p.after.versions()
		if p.done() {
			return out, nil
		}
		rootJSON := o.root
		if rootJSON == nil {
			rootJSON = p.after.roots[0].raw
		}
		// targets were compared with their hashes one by one in want
		if _, err := verify(ctx, p.wouldBe(), rootJSON, p.now, "", false); err != nil {
			return nil, fault.New(fault.Verification, "nothing was published; correct the cause first", fmt.Errorf("clients would refuse the new repository: %w", err))
		}
		written, err := p.write(ctx)
		out.Written = append(out.Written, written...)
		if errors.Is(err, errOvertaken) {
			continue
		}
		if err != nil {
			return out, fault.New(fault.Code(fault.ExitCode(err)), "clients see the old repository or the new one; run the same command again to complete", err)
		}
		return out, nil
	}
	return out, errOvertaken
}

// locked runs a writer while others of the same directory wait.
func locked(ctx context.Context, st store.Store, work func() (*Published, error)) (out *Published, err error) {
	const wait = 30 * time.Second
	ctx, cancel := context.WithTimeoutCause(ctx, wait, store.ErrLocked)
	defer cancel()
	for {
		release, err := st.Lock(ctx)
		if err == nil {
			out, err = work()
			return out, errors.Join(err, release())
		}
		if !errors.Is(err, store.ErrLocked) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, fault.New(fault.Failure, "another publication or refresh is running there; try again when it has ended", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// want sets the wanted roots and targets from a merged change, and finds the
// target objects to write.
func (p *publication) want(ctx context.Context, s *Staged, contents store.Store) error {
	p.after = &repository{roots: slices.Clone(s.roots), targets: maps.Clone(s.trusted)}
	for _, d := range s.sign {
		sealed := s.sealed[d.role]
		if d.root != nil {
			p.after.roots = append(p.after.roots, sealed)
		} else {
			p.after.targets[d.role] = sealed
		}
	}
	return p.wantObjects(ctx, s, contents)
}

// wantObjects makes sure of every target: it is published with the right
// bytes, or its content is at hand to be written.
func (p *publication) wantObjects(ctx context.Context, s *Staged, contents store.Store) error {
	listed, err := p.st.List(ctx, targetsDir+"/")
	if err != nil {
		return err
	}
	have := map[string]store.Object{}
	for _, o := range listed {
		have[o.Name] = o
	}
	all := files(p.after.targets)
	var mu sync.Mutex
	p.objects = map[string][]byte{}
	return each(ctx, slices.Sorted(maps.Keys(all)), func(ctx context.Context, name string) error {
		object := objectName(name, all[name].Hashes["sha256"].String())
		there, published := have[object]
		content, err := p.content(ctx, s, contents, name, object)
		itself := errors.Is(err, store.ErrNotFound) && published
		if itself {
			content, err = p.st.Read(ctx, object, maxTargetFile)
		}
		if err != nil {
			return err
		}
		if err := all[name].VerifyLengthHashes(content); err != nil {
			if published {
				return damaged(object)
			}
			return fmt.Errorf("target %s: %w", name, err)
		}
		if itself {
			return nil
		}
		if published {
			return p.compare(ctx, object, there, content)
		}
		mu.Lock()
		defer mu.Unlock()
		p.objects[object] = content
		return nil
	})
}

// content returns a target's bytes from the staged folder or from the store
// that the caller named for those that did not change.
func (p *publication) content(ctx context.Context, s *Staged, contents store.Store, name, object string) ([]byte, error) {
	if s.content[name] {
		return s.read(targetsDir+"/"+name, maxTargetFile)
	}
	if contents != nil {
		data, err := contents.Read(ctx, object, maxTargetFile)
		if !errors.Is(err, store.ErrNotFound) {
			return data, err
		}
	}
	return nil, fault.New(fault.Failure, "name a store that holds the targets that did not change",
		fmt.Errorf("target %s is neither in %s nor in the staged folder: %w", name, p.st, store.ErrNotFound))
}

// compare checks a published object against its content: by the digest that
// the store knows, or byte for byte. The MD5 finds damage, not malice: what
// clients trust is the SHA-256 that holders signed.
func (p *publication) compare(ctx context.Context, object string, there store.Object, content []byte) error {
	if there.Size != int64(len(content)) {
		return damaged(object)
	}
	// a bucket's digest is not always an MD5 (it is none under SSE-KMS): only a
	// match says something
	if sum := md5.Sum(content); bytes.Equal(sum[:], there.MD5) { //nolint:gosec // see the import
		return nil
	}
	published, err := p.st.Read(ctx, object, maxTargetFile)
	if err != nil {
		return err
	}
	if !bytes.Equal(published, content) {
		return damaged(object)
	}
	return nil
}

// versions lists what a repository shows.
func (r *repository) versions() []Version {
	var out []Version
	docs := []*document{r.root(), r.timestamp, r.snapshot, r.targets[metadata.TARGETS]}
	for _, role := range delegations(r.targets[metadata.TARGETS]) {
		docs = append(docs, r.targets[role])
	}
	for _, d := range docs {
		out = append(out, Version{Role: d.role, Version: d.version(), Expires: d.expires()})
	}
	return out
}

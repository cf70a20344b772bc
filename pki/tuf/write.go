package tuf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/tuf/store"
)

// done reports whether the store shows already what is wanted.
func (p *publication) done() bool {
	return len(p.objects) == 0 && len(p.before.roots) == len(p.after.roots) &&
		p.before.timestamp != nil && bytes.Equal(p.before.timestamp.raw, p.after.timestamp.raw)
}

// wouldBe is the repository after the publication, in memory.
func (p *publication) wouldBe() overlay {
	over := map[string][]byte{"timestamp.json": p.after.timestamp.raw}
	for _, d := range p.metadata() {
		over[d.fileName()] = d.raw
	}
	for _, d := range p.after.roots {
		over[d.fileName()] = d.raw
	}
	maps.Copy(over, p.objects)
	return overlay{base: p.st, over: over}
}

// metadata lists the version objects below root, in the order of writing: what
// a client reads last comes first.
func (p *publication) metadata() []*document {
	var out []*document
	for _, role := range slices.Sorted(maps.Keys(p.after.targets)) {
		if role != metadata.TARGETS {
			out = append(out, p.after.targets[role])
		}
	}
	return append(out, p.after.targets[metadata.TARGETS], p.after.snapshot)
}

// write publishes: targets first, timestamp.json last but for a root that must
// follow it. Nothing is removed, and whatever is there already is left alone.
// It returns the names of the objects that it wrote.
func (p *publication) write(ctx context.Context) (written []string, err error) {
	if err := p.writeTargets(ctx, &written); err != nil {
		return written, err
	}
	docs := p.metadata()
	roots := p.after.roots[len(p.before.roots):]
	if !p.late {
		// root before the snapshot that may need its keys
		docs = slices.Concat(docs[:len(docs)-1], roots, docs[len(docs)-1:])
	}
	if !p.st.Exclusive() {
		// the timestamp's own object is the claim: of several writers one makes
		// it, and the others find its bytes and publish those
		docs = append(docs, p.after.timestamp)
	}
	for _, d := range docs {
		if err := p.writeDocument(ctx, d, &written); err != nil {
			return written, err
		}
	}
	if err := p.st.Flush(ctx); err != nil {
		return written, err
	}
	if err := p.point(ctx, &written); err != nil {
		return written, err
	}
	if p.late {
		for _, d := range roots {
			if err := p.writeDocument(ctx, d, &written); err != nil {
				return written, err
			}
		}
	}
	return written, p.st.Flush(ctx)
}

// point makes timestamp.json name the new snapshot, unless another writer got
// further.
func (p *publication) point(ctx context.Context, written *[]string) error {
	now, err := readDocument(ctx, p.st, metadata.TIMESTAMP, "timestamp.json")
	switch {
	case errors.Is(err, store.ErrNotFound):
	case err != nil:
		return err
	case now.version() > p.after.timestamp.version():
		return errOvertaken
	case bytes.Equal(now.raw, p.after.timestamp.raw):
		return nil
	case p.before.timestamp == nil || !bytes.Equal(now.raw, p.before.timestamp.raw):
		return errOvertaken
	}
	if err := p.st.Replace(ctx, "timestamp.json", p.after.timestamp.raw); err != nil {
		return err
	}
	*written = append(*written, "timestamp.json")
	if p.st.Exclusive() {
		return nil
	}
	return p.catchUp(ctx)
}

// catchUp puts timestamp.json right when others got further between the look
// and the write of this one. A version is claimed when all that it names is
// there, so pointing to it is safe whoever does it.
func (p *publication) catchUp(ctx context.Context) error {
	for version := p.after.timestamp.version() + 1; ; version++ {
		next, err := readDocument(ctx, p.st, metadata.TIMESTAMP, fileName(metadata.TIMESTAMP, version))
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err == nil {
			err = p.after.checkOnline(next)
		}
		if err != nil {
			return fmt.Errorf("a later version was claimed: %w", err)
		}
		if err := p.st.Replace(ctx, "timestamp.json", next.raw); err != nil {
			return err
		}
	}
}

// writeDocument writes a version's own object. One that is there must have the
// same bytes.
func (p *publication) writeDocument(ctx context.Context, d *document, written *[]string) error {
	if d == p.before.snapshot || d == p.before.timestamp {
		return nil
	}
	if was := p.before.targets[d.role]; was != nil && bytes.Equal(was.raw, d.raw) {
		return nil
	}
	err := p.st.WriteNew(ctx, d.fileName(), d.raw)
	if err == nil {
		*written = append(*written, d.fileName())
		return nil
	}
	if !errors.Is(err, store.ErrExists) {
		return err
	}
	there, err := p.st.Read(ctx, d.fileName(), limitOf(d.role))
	if err != nil {
		return err
	}
	if bytes.Equal(there, d.raw) {
		return nil
	}
	if d.snapshot != nil || d.timestamp != nil {
		return errOvertaken
	}
	return changed(d)
}

// writeTargets uploads new target objects.
func (p *publication) writeTargets(ctx context.Context, written *[]string) error {
	var mu sync.Mutex
	return each(ctx, slices.Sorted(maps.Keys(p.objects)), func(ctx context.Context, name string) error {
		err := p.st.WriteNew(ctx, name, p.objects[name])
		if errors.Is(err, store.ErrExists) {
			err = p.sameObject(ctx, name)
		}
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		*written = append(*written, name)
		return nil
	})
}

// sameObject refuses a target object whose bytes are not what its name says.
func (p *publication) sameObject(ctx context.Context, name string) error {
	there, err := p.st.Read(ctx, name, maxTargetFile)
	if err != nil {
		return err
	}
	if !bytes.Equal(there, p.objects[name]) {
		return damaged(name)
	}
	return nil
}

func damaged(name string) error {
	return fault.New(fault.Verification, "find out who wrote it, then remove that object by hand",
		fmt.Errorf("the published object %s has other bytes than its name says", name))
}

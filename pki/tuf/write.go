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
	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
)

// done reports whether a place shows already what is wanted.
func (p *Publisher) done(place *Place) bool {
	return len(place.missing) == 0 && len(place.before.roots) == len(p.after.roots) &&
		place.before.timestamp != nil && bytes.Equal(place.before.timestamp.raw, p.after.timestamp.raw)
}

// wouldBe is the repository after the publication, in memory.
func (p *Publisher) wouldBe() overlay {
	over := map[string][]byte{"timestamp.json": p.after.timestamp.raw}
	for _, d := range slices.Concat(p.metadata(), p.after.roots) {
		over[d.fileName()] = d.raw
	}
	maps.Copy(over, p.content)
	return overlay{base: p.Own.Store, over: over}
}

// metadata lists the version objects below root, in the order of writing: what
// a client reads last comes first.
func (p *Publisher) metadata() []*document {
	var out []*document
	for _, role := range slices.Sorted(maps.Keys(p.after.targets)) {
		if role != metadata.TARGETS {
			out = append(out, p.after.targets[role])
		}
	}
	return append(out, p.after.targets[metadata.TARGETS], p.after.snapshot)
}

// write publishes in two rounds: first everything that timestamp.json will
// name, in every place, and then timestamp.json in every place. So a writer
// that is overtaken in the first place has pointed nowhere yet.
func (p *Publisher) write(ctx context.Context, open []*Place) error {
	for _, round := range []func(context.Context, *Place) error{p.prepare, p.point} {
		for _, place := range open {
			if place.Err != nil {
				continue
			}
			if err := p.fail(place, round(ctx, place)); err != nil {
				return err
			}
		}
	}
	return nil
}

// prepare writes targets, metadata and a root that clients may see early.
// Nothing is removed, and whatever is there already is left alone. The
// timestamp's own object comes last: it is the claim of its version. Of several
// writers one makes it, and the others find its bytes and publish those.
func (p *Publisher) prepare(ctx context.Context, place *Place) error {
	if err := p.writeTargets(ctx, place); err != nil {
		return err
	}
	docs := p.metadata()
	if !place.late {
		// root before the snapshot that may need its keys
		docs = slices.Concat(docs[:len(docs)-1], p.after.roots[len(place.before.roots):], docs[len(docs)-1:])
	}
	for _, d := range append(docs, p.after.timestamp) {
		if err := p.writeDocument(ctx, place, d); err != nil {
			return err
		}
	}
	return place.Store.Flush(ctx)
}

// point makes timestamp.json name the new snapshot, unless another writer got
// further, and reads back what the place keeps.
func (p *Publisher) point(ctx context.Context, place *Place) error {
	if err := p.replace(ctx, place); err != nil {
		return err
	}
	if place.late {
		for _, d := range p.after.roots[len(place.before.roots):] {
			if err := p.writeDocument(ctx, place, d); err != nil {
				return err
			}
		}
	}
	if err := place.Store.Flush(ctx); err != nil {
		return err
	}
	return p.readBack(ctx, place)
}

func (p *Publisher) replace(ctx context.Context, place *Place) error {
	now, err := readDocument(ctx, place.Store, metadata.TIMESTAMP, "timestamp.json")
	before := place.before.timestamp
	switch {
	case errors.Is(err, objects.ErrNotFound):
	case err != nil:
		return err
	case bytes.Equal(now.raw, p.after.timestamp.raw):
		return nil
	case before == nil || !bytes.Equal(now.raw, before.raw):
		return errOvertaken
	}
	if err := place.Store.Replace(ctx, "timestamp.json", p.after.timestamp.raw); err != nil {
		return err
	}
	place.Written = append(place.Written, "timestamp.json")
	if place.Store.Exclusive() {
		return nil
	}
	return p.catchUp(ctx, place)
}

// catchUp puts timestamp.json right when others got further between the look
// and the write of this one. A version is claimed when all that it names is
// there, so pointing to it is safe whoever does it.
func (p *Publisher) catchUp(ctx context.Context, place *Place) error {
	overtaken := false
	for version := p.after.timestamp.version() + 1; ; version++ {
		next, err := readDocument(ctx, place.Store, metadata.TIMESTAMP, fileName(metadata.TIMESTAMP, version))
		if errors.Is(err, objects.ErrNotFound) {
			if overtaken {
				return errOvertaken
			}
			return nil
		}
		if err == nil {
			err = p.after.checkOnline(next)
		}
		if err != nil {
			return fmt.Errorf("a later version was claimed: %w", err)
		}
		if err := place.Store.Replace(ctx, "timestamp.json", next.raw); err != nil {
			return err
		}
		overtaken = true
	}
}

// readBack reads what was written as a client would.
func (p *Publisher) readBack(ctx context.Context, place *Place) error {
	now, err := load(ctx, place.Store)
	if err != nil {
		return err
	}
	switch {
	case now.timestamp != nil && now.timestamp.version() > p.after.timestamp.version() && !p.counts(now.timestamp):
		return fault.New(fault.Failure, "", errors.New("an old timestamp is still there"))
	case now.timestamp != nil && now.timestamp.version() > p.after.timestamp.version():
		return errOvertaken
	case now.timestamp == nil || !bytes.Equal(now.timestamp.raw, p.after.timestamp.raw) || len(now.roots) != len(p.after.roots):
		return notKept("timestamp.json")
	}
	err = each(ctx, place.missing, func(ctx context.Context, name string) error {
		err := place.same(ctx, name, p.content[name])
		if errors.Is(err, objects.ErrNotFound) {
			err = notKept(name)
		}
		return err
	})
	if err == nil {
		place.Seen = now.seen()
	}
	return err
}

var errNotKept = errors.New("is not there when it is read back")

func notKept(name string) error {
	return fault.New(fault.Failure, "look at the store's settings and the rights to it, then run the same command again",
		fmt.Errorf("%s was written without an error, and %w", name, errNotKept))
}

// writeDocument writes a version's own object. One that is there must have the
// same bytes.
func (p *Publisher) writeDocument(ctx context.Context, place *Place, d *document) error {
	was := place.before.targets[d.role]
	if d.snapshot != nil {
		was = place.before.snapshot
	}
	if was != nil && bytes.Equal(was.raw, d.raw) {
		return nil
	}
	err := place.Store.WriteNew(ctx, d.fileName(), d.raw)
	if err == nil {
		place.Written = append(place.Written, d.fileName())
		return nil
	}
	if !errors.Is(err, objects.ErrExists) {
		return err
	}
	there, err := place.Store.Read(ctx, d.fileName(), limitOf(d.role))
	if err != nil {
		return err
	}
	switch {
	case bytes.Equal(there, d.raw):
		return nil
	case d.snapshot == nil && d.timestamp == nil:
		return changed(d)
	case place == p.Own && place.Store.Exclusive() && d.version() > place.before.version(d.role):
		// a claim of this directory that lost: nothing ever pointed to it
		return place.Store.Replace(ctx, d.fileName(), d.raw)
	}
	return errOvertaken
}

// writeTargets uploads the target objects that a place lacks.
func (p *Publisher) writeTargets(ctx context.Context, place *Place) error {
	var mu sync.Mutex
	slices.Sort(place.missing)
	return each(ctx, place.missing, func(ctx context.Context, name string) error {
		err := place.Store.WriteNew(ctx, name, p.content[name])
		if errors.Is(err, objects.ErrExists) {
			err = place.same(ctx, name, p.content[name])
		}
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		place.Written = append(place.Written, name)
		return nil
	})
}

// parallel is how many target objects are on their way at once.
const parallel = 8

// each calls do for every name, several at once, and stops at the first error.
func each(ctx context.Context, names []string, do func(ctx context.Context, name string) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	free := make(chan struct{}, parallel)
	var wg sync.WaitGroup
	for _, name := range names {
		free <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			if err := do(ctx, name); err != nil {
				cancel(err)
			}
			<-free
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

package tuf

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
)

// repository is what is published: every root version and the newest version
// of everything else.
type repository struct {
	foreign
	roots     []*document // version 1 at index 0
	timestamp *document
	snapshot  *document
	targets   map[string]*document // by role
	outdated  []error              // what counts under an earlier root only: a writer was stopped after the root
}

// load reads a repository and checks signatures, versions, lengths and hashes
// from its first root on. Expiry is not looked at: an expired repository is
// what a renewal begins with. An empty place is an empty repository.
func load(ctx context.Context, src objects.Source) (*repository, error) {
	return loadAs(ctx, src, foreign{})
}

// loadAs is load for a repository that may be a stranger's.
func loadAs(ctx context.Context, src objects.Source, s foreign) (*repository, error) {
	r := &repository{foreign: s, targets: map[string]*document{}}
	if err := r.loadRoots(ctx, src); err != nil {
		return nil, err
	}
	var err error
	r.timestamp, err = r.mark(readDocument(ctx, src, metadata.TIMESTAMP, "timestamp.json"))
	if errors.Is(err, objects.ErrNotFound) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	if len(r.roots) == 0 {
		return nil, errors.New("there is a timestamp.json but no 1.root.json")
	}
	if err := r.checkOnce(r.timestamp); err != nil {
		return nil, err
	}
	at := r.timestamp.timestamp.Signed.Meta["snapshot.json"]
	if r.snapshot, err = r.mark(readListed(ctx, src, metadata.SNAPSHOT, at)); err != nil {
		return nil, err
	}
	if err := r.checkOnce(r.snapshot); err != nil {
		return nil, err
	}
	err = r.loadTargets(ctx, src)
	return r, err
}

func (r *repository) loadRoots(ctx context.Context, src objects.Source) error {
	for version := int64(1); ; version++ {
		d, err := r.mark(readDocument(ctx, src, metadata.ROOT, fileName(metadata.ROOT, version)))
		if r.passes(version) {
			r.roots = r.walk(r.roots, version, d, err)
			continue
		}
		if errors.Is(err, objects.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if r.roots, err = appendRoot(r.roots, d); err != nil {
			return err
		}
	}
}

// appendRoot adds the next version to a chain of roots. It must be signed by
// the threshold of the one before and by its own.
func appendRoot(roots []*document, d *document) ([]*document, error) {
	want := int64(len(roots)) + 1
	if len(roots) > 0 {
		want = roots[len(roots)-1].version() + 1
	}
	if d.version() != want {
		return nil, fmt.Errorf("%s has version %d inside", fileName(metadata.ROOT, want), d.version())
	}
	if len(roots) > maxRotations {
		return nil, fmt.Errorf("more than %d root rotations: clients stop there", maxRotations)
	}
	for _, by := range append(slices.Clone(last(roots)), d) {
		if err := signedUnder(by, d); err != nil {
			return nil, err
		}
	}
	return append(roots, d), nil
}

// last returns the last element as a slice, empty for none.
func last(roots []*document) []*document {
	return roots[max(0, len(roots)-1):]
}

// root returns the newest root.
func (r *repository) root() *document {
	if len(r.roots) == 0 {
		return nil
	}
	return r.roots[len(r.roots)-1]
}

// signedUnder returns an error unless the threshold of a root's role signed a
// document.
func signedUnder(root, d *document) error {
	set, err := rootSet(root, d.role)
	if err != nil {
		return err
	}
	return set.check(d)
}

func (r *repository) checkOnline(d *document) error { return signedUnder(r.root(), d) }

func (r *repository) loadTargets(ctx context.Context, src objects.Source) error {
	for _, role := range rolesOf(r.snapshot) {
		d, err := r.mark(readListed(ctx, src, role, r.snapshot.snapshot.Signed.Meta[role+".json"]))
		if errors.Is(err, objects.ErrNotFound) && r.dislike != nil {
			// clients ask for the roles that are delegated, which checkTargets misses
			r.dislike(fmt.Errorf("%s lists role %s, which is not there", r.snapshot.fileName(), role))
			continue
		}
		if err != nil {
			return err
		}
		r.targets[role] = d
	}
	top := r.targets[metadata.TARGETS]
	if top == nil {
		return fmt.Errorf("%s names no targets.json", r.snapshot.fileName())
	}
	return r.once(func(root *document) error { return checkTargets(root, r.targets) })
}

// checkOnce is checkOnline with any root of the chain.
func (r *repository) checkOnce(d *document) error {
	return r.once(func(root *document) error { return signedUnder(root, d) })
}

// once asks the newest root, and the earlier ones if that refuses.
func (r *repository) once(check func(root *document) error) error {
	err := check(r.root())
	for i := len(r.roots) - 2; err != nil && i >= 0; i-- {
		if check(r.roots[i]) == nil {
			r.outdated = append(r.outdated, err)
			return nil
		}
	}
	return err
}

// rolesOf lists the roles that a snapshot names, in order.
func rolesOf(snapshot *document) []string {
	var out []string
	for name := range snapshot.snapshot.Signed.Meta {
		role, isJSON := strings.CutSuffix(name, ".json")
		if isJSON && (roleName.MatchString(role) || snapshot.dislike != nil && theirRole.MatchString(role)) {
			out = append(out, role)
		}
	}
	slices.Sort(out)
	return out
}

// checkTargets checks targets by root and the delegated roles by targets. A
// role that is no longer delegated is not looked at.
func checkTargets(root *document, targets map[string]*document) error {
	top := targets[metadata.TARGETS]
	errs := []error{signedUnder(root, top)}
	for _, role := range delegations(top) {
		if targets[role] == nil {
			errs = append(errs, fmt.Errorf("%s delegates to %s, which is not there", top.fileName(), role))
			continue
		}
		set, err := delegatedSet(top, role)
		if err == nil {
			err = set.check(targets[role])
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// delegations lists the roles that targets metadata delegates to.
func delegations(top *document) []string {
	var out []string
	if top != nil && top.targets.Signed.Delegations != nil {
		for _, r := range top.targets.Signed.Delegations.Roles {
			out = append(out, r.Name)
		}
	}
	return out
}

// files returns every target of targets and of the roles it delegates to.
func files(targets map[string]*document) map[string]*metadata.TargetFiles {
	out := map[string]*metadata.TargetFiles{}
	top := targets[metadata.TARGETS]
	if top == nil {
		return out
	}
	for _, role := range delegations(top) {
		if targets[role] != nil {
			maps.Copy(out, targets[role].targets.Signed.Targets)
		}
	}
	// what targets says itself comes first, as in a client's search
	maps.Copy(out, top.targets.Signed.Targets)
	return out
}

func readDocument(ctx context.Context, src objects.Source, role, name string) (*document, error) {
	data, err := src.Read(ctx, name, limitOf(role))
	if err != nil {
		if !errors.Is(err, objects.ErrNotFound) && !errors.Is(err, objects.ErrTooLarge) {
			err = fmt.Errorf("%w: %w", errRead, err)
		}
		return nil, err
	}
	d, err := parseDocument(role, data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return d, nil
}

// readListed reads the version that snapshot or timestamp lists.
func readListed(ctx context.Context, src objects.Source, role string, listed *metadata.MetaFiles) (*document, error) {
	if listed == nil {
		return nil, fmt.Errorf("%s.json is not listed", role)
	}
	name := fileName(role, listed.Version)
	d, err := readDocument(ctx, src, role, name)
	if err != nil {
		return nil, err
	}
	if d.version() != listed.Version {
		return nil, fmt.Errorf("%s has version %d inside", name, d.version())
	}
	if err := listed.VerifyLengthHashes(d.raw); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return d, nil
}

package tuf

import (
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
	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
)

// ErrNothingToStage says that the published versions say already what the
// plan asks for and that none is due.
var ErrNothingToStage = errors.New("nothing to stage")

// StageInit stages the first root and targets in the new folder dir.
func StageInit(dir string, pol Policy, t Targets, now time.Time) (*Staged, error) {
	if err := errors.Join(pol.Validate(), t.check()); err != nil {
		return nil, fault.New(fault.Usage, "correct the plan or the targets; nothing was written", fmt.Errorf("stage the first repository: %w", err))
	}
	online, err := ringOfKeys(pol.Online)
	if err != nil {
		return nil, err
	}
	root, err := buildRoot(pol, 1, online, now)
	if err != nil {
		return nil, err
	}
	d := &draft{kind: KindInit, created: now, holders: pol.names(), sign: []*document{root}, targets: t.Files}
	shares, err := pol.share(slices.Sorted(maps.Keys(t.Files)))
	if err != nil {
		return nil, err
	}
	for _, role := range slices.Sorted(maps.Keys(shares)) {
		doc, err := buildTargets(pol, role, 1, shares[role], t, now)
		if err != nil {
			return nil, err
		}
		d.sign = append(d.sign, doc)
	}
	return d.write(dir)
}

// StageTargets stages the next version of targets, and of delegated roles,
// where the content differs from what from publishes, where a version is due
// to be signed again, or everywhere with renew. t is the whole set: a target
// that is not in it is no longer offered.
func StageTargets(ctx context.Context, dir string, from objects.Store, pol Policy, t Targets, now time.Time, renew bool) (*Staged, error) {
	if err := errors.Join(pol.Validate(), t.check()); err != nil {
		return nil, fault.New(fault.Usage, "correct the plan or the targets; nothing was written", fmt.Errorf("stage targets: %w", err))
	}
	base, err := loadPublished(ctx, from)
	if err != nil {
		return nil, fmt.Errorf("stage targets: %w", err)
	}
	if err := samePeople(base.root(), metadata.TARGETS, pol.Targets); err != nil {
		return nil, fault.New(fault.Failure, "stage the next root first", fmt.Errorf("stage targets: %w", err))
	}
	shares, err := pol.share(slices.Sorted(maps.Keys(t.Files)))
	if err != nil {
		return nil, err
	}
	d := &draft{kind: KindTargets, withdraw: t.Withdraw, created: now, holders: pol.names(), base: base}
	if err := d.addTargets(pol, shares, t, now, renew); err != nil {
		return nil, err
	}
	if len(d.sign) == 0 {
		return nil, fmt.Errorf("stage targets: %w: %s holds the same targets and is not due", ErrNothingToStage, from)
	}
	if err := d.addContent(ctx, from, t); err != nil {
		return nil, fmt.Errorf("stage targets: %w", err)
	}
	return d.write(dir)
}

// loadPublished loads a repository that must be there.
func loadPublished(ctx context.Context, from objects.Store) (*repository, error) {
	base, err := load(ctx, from)
	if err != nil {
		return nil, err
	}
	if base.timestamp == nil {
		return nil, fault.New(fault.Failure, "publish the first repository before its next change", fmt.Errorf("%s holds no repository", from))
	}
	return base, nil
}

// CheckPeople returns an error unless the newest root of a store names the
// policy's holders and thresholds, and for timestamps count keys, each one that
// isOnline knows.
func CheckPeople(ctx context.Context, from objects.Store, pol Policy, isOnline func(crypto.PublicKey) bool, count int) error {
	r, err := load(ctx, from)
	if err != nil {
		return err
	}
	online, err := rootSet(r.root(), metadata.TIMESTAMP)
	if err != nil {
		return err
	}
	for _, key := range online.keys {
		if !isOnline(key) {
			count = -1
		}
	}
	if len(online.keys) != count {
		err = fmt.Errorf("the plan's online keys are not those of %s", online.label)
	}
	return errors.Join(err, samePeople(r.root(), metadata.ROOT, pol.Root), samePeople(r.root(), metadata.TARGETS, pol.Targets))
}

// samePeople returns an error unless root names a policy's holders and
// threshold for a role.
func samePeople(root *document, role string, policy RolePolicy) error {
	set, err := rootSet(root, role)
	if err != nil {
		return err
	}
	var ids []string
	for _, h := range policy.Holders {
		id, err := KeyID(h.PublicKey)
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	if !slices.Equal(ids, set.keys.ids()) || policy.Threshold != set.threshold {
		return fmt.Errorf("the plan's holders of %s are not those of %s", role, set.label)
	}
	return nil
}

// addTargets builds the next version of every role that needs one.
func (d *draft) addTargets(pol Policy, shares map[string][]string, t Targets, now time.Time, renew bool) error {
	staged := map[string]*document{}
	for _, role := range slices.Sorted(maps.Keys(shares)) {
		old := d.base.targets[role]
		next, err := buildTargets(pol, role, old.version()+1, shares[role], t, now)
		if err != nil {
			return err
		}
		if old == nil || renew || due(old, now) {
			staged[role] = next
			continue
		}
		same, err := sameBut(old, next)
		if err != nil {
			return err
		}
		if !same {
			staged[role] = next
		}
	}
	top := staged[metadata.TARGETS]
	if top == nil {
		top = d.base.targets[metadata.TARGETS]
	}
	// a delegated role whose keys changed must be signed by the new ones
	for _, role := range delegations(top) {
		if staged[role] != nil {
			continue
		}
		set, err := delegatedSet(top, role)
		if err != nil {
			return err
		}
		if set.check(d.base.targets[role]) == nil {
			continue
		}
		old := d.base.targets[role]
		if staged[role], err = buildTargets(pol, role, old.version()+1, shares[role], t, now); err != nil {
			return err
		}
	}
	for _, role := range slices.Sorted(maps.Keys(staged)) {
		d.sign = append(d.sign, staged[role])
	}
	return nil
}

// sameBut reports whether two documents say the same but for version and
// expiry.
func sameBut(a, b *document) (bool, error) {
	x, err := readModel(a)
	if err != nil {
		return false, err
	}
	y, err := readModel(b)
	if err != nil {
		return false, err
	}
	x.spec = y.spec // not worth anybody's signature
	return !slices.ContainsFunc(differences(x, y, nil)[1:], func(s statement) bool { return s.apply != nil }), nil
}

// due reports whether a document's own window says that it is to be signed
// again.
func due(d *document, now time.Time) bool {
	from, err := signFrom(d)
	return err == nil && !now.Before(from)
}

// signFrom returns when people's metadata is due to be signed again.
func signFrom(d *document) (time.Time, error) {
	w := readWindows(d.head().fields, OnlineRole{})
	if w.Resign == 0 {
		return time.Time{}, fmt.Errorf("%s does not say when it is to be signed again", d.fileName())
	}
	return d.expires().Add(-days(w.Resign)), nil
}

// addContent keeps the content of new and changed targets and what they
// replace.
func (d *draft) addContent(ctx context.Context, from objects.Store, t Targets) error {
	d.targets, d.previous = map[string][]byte{}, map[string][]byte{}
	old := files(d.base.targets)
	for name, content := range t.Files {
		sum := sha256.Sum256(content)
		if was := old[name]; was == nil || string(was.Hashes["sha256"]) != string(sum[:]) {
			d.targets[name] = content
		}
	}
	for name, was := range old {
		if _, stays := t.Files[name]; stays && d.targets[name] == nil {
			continue
		}
		content, err := readTarget(ctx, from, name, was)
		if err != nil {
			return err
		}
		d.previous[name] = content
	}
	return nil
}

// readTarget reads a target and checks it against metadata.
func readTarget(ctx context.Context, src objects.Source, name string, f *metadata.TargetFiles) ([]byte, error) {
	content, err := src.Read(ctx, objectName(name, f.Hashes["sha256"].String()), f.Length)
	if err != nil {
		return nil, err
	}
	if err := f.VerifyLengthHashes(content); err != nil {
		return nil, fmt.Errorf("target %s: %w", name, err)
	}
	return content, nil
}

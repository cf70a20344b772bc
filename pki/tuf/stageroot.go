package tuf

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
)

// StageRoot stages the next root when the policy differs from the published
// one, when it is due to be signed again (an expired one is), or in any case
// with renew.
//
// Clients that fetch between two writes of the publication must never see a
// mixture that they refuse. So targets are staged too when the published ones
// would not count under the new root, to be signed by the old threshold and the
// new (and with the new one alone where they are due anyway); an online key
// that is replaced stays beside the new one until snapshot and timestamp are
// signed by the new one and root is staged again.
func StageRoot(ctx context.Context, dir string, from objects.Store, pol Policy, now time.Time, renew bool) (*Staged, error) {
	if err := pol.Validate(); err != nil {
		return nil, fault.New(fault.Usage, "correct the plan; nothing was written", fmt.Errorf("stage root: %w", err))
	}
	d, err := nextRoot(ctx, from, pol, now, renew)
	if err != nil {
		return nil, fmt.Errorf("stage root: %w", err)
	}
	return d.write(dir)
}

func nextRoot(ctx context.Context, from objects.Store, pol Policy, now time.Time, renew bool) (*draft, error) {
	base, err := loadPublished(ctx, from)
	if err != nil {
		return nil, err
	}
	old := base.root()
	online, err := onlineKeys(base, pol, now)
	if err != nil {
		return nil, err
	}
	next, err := buildRoot(pol, old.version()+1, online, now)
	if err != nil {
		return nil, err
	}
	same, err := sameBut(old, next)
	if err != nil {
		return nil, err
	}
	if same && !renew && !due(old, now) {
		return nil, fmt.Errorf("%w: %s says the same and is not due", ErrNothingToStage, old.fileName())
	}
	d := &draft{kind: KindRoot, created: now, holders: pol.names(), sign: []*document{next}, base: base}
	err = d.addDue(pol, now)
	return d, err
}

// addDue stages targets and delegated roles with the same content where the
// new root or a delegation asks for it or where they are due: who leaves is gone
// everywhere in one publication, and an expired root is mostly not alone.
func (d *draft) addDue(pol Policy, now time.Time) error {
	set, err := rootSet(d.sign[0], metadata.TARGETS)
	if err != nil {
		return err
	}
	top := d.base.targets[metadata.TARGETS]
	next, err := again(top, pol, now)
	if err != nil {
		return err
	}
	same, err := sameBut(top, next)
	if err != nil {
		return err
	}
	if set.check(top) != nil || due(top, now) || !same {
		d.sign, top = append(d.sign, next), next
	}
	for _, role := range delegations(top) {
		set, err := delegatedSet(top, role)
		if err != nil {
			return err
		}
		if old := d.base.targets[role]; due(old, now) || set.check(old) != nil {
			next, err := again(old, pol, now)
			if err != nil {
				return err
			}
			d.sign = append(d.sign, next)
		}
	}
	return nil
}

// onlineKeys returns the online key, the next one where there is one, and, as
// long as the published snapshot or timestamp is not signed by the online key,
// the keys that signed them: unless they signed what no honest writer signs.
func onlineKeys(base *repository, pol Policy, now time.Time) (keyRing, error) {
	own, err := ringOfKeys(pol.Online)
	if err != nil {
		return nil, err
	}
	keys := maps.Clone(own)
	if pol.NextOnline != nil {
		next, err := ringOfKeys(pol.NextOnline)
		if err != nil {
			return nil, err
		}
		maps.Copy(keys, next)
	}
	for _, d := range []*document{base.snapshot, base.timestamp} {
		if pol.DropOnline || runaway(d, d.version(), pol.window(d.role), now) != nil {
			return own, nil //nolint:nilerr // that a version ran away is the reason, not a failure
		}
		set, err := rootSet(base.root(), d.role)
		if err != nil {
			return nil, err
		}
		signers := set.signers(d)
		if slices.ContainsFunc(signers, func(id string) bool { return own[id] != nil }) {
			continue
		}
		for _, signer := range signers {
			keys[signer] = set.keys[signer]
		}
	}
	return keys, nil
}

// again is the next version of targets or a delegated role with the same
// content. Its delegations are to the policy's people.
func again(old *document, pol Policy, now time.Time) (*document, error) {
	m, err := readModel(old)
	if err != nil {
		return nil, err
	}
	policy := pol.people(old.role)
	for _, d := range pol.Delegations {
		if r, there := m.roles[d.Name]; there {
			if r.keys, err = ringOf(d.Holders); err != nil {
				return nil, err
			}
			r.threshold = d.Threshold
			m.roles[d.Name] = r
		}
	}
	m.version++
	m.expires, m.periods = expiry(now, policy.Expiry), OnlineRole{policy.Expiry, policy.Resign}
	return m.document()
}

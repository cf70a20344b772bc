package tuf

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"fmt"
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/tuf/store"
)

// StageRoot stages the next root when the policy differs from the published
// one, when it is due to be signed again (an expired one is), or in any case
// with renew.
//
// Clients that fetch between two writes of the publication must never see a
// mixture that they refuse. So targets are staged too when the published ones
// would not count under the new root, to be signed by the old threshold and the
// new; and an online key that is replaced stays beside the new one until
// snapshot and timestamp are signed by the new one and root is staged again.
func StageRoot(ctx context.Context, dir string, from store.Store, pol Policy, now time.Time, renew bool) (*Staged, error) {
	if err := pol.Validate(); err != nil {
		return nil, fault.New(fault.Usage, "correct the plan; nothing was written", fmt.Errorf("stage root: %w", err))
	}
	base, err := loadPublished(ctx, from)
	if err != nil {
		return nil, fmt.Errorf("stage root: %w", err)
	}
	old := base.root()
	online, err := onlineKeys(base, pol.Online)
	if err != nil {
		return nil, fmt.Errorf("stage root: %w", err)
	}
	next, err := buildRoot(pol, old.version()+1, online, now)
	if err != nil {
		return nil, fmt.Errorf("stage root: %w", err)
	}
	if !renew && !due(old, now) && sameBut(old, next) {
		return nil, fmt.Errorf("stage root: %w: %s says the same and is not due", ErrNothingToStage, old.fileName())
	}
	d := &draft{kind: KindRoot, created: now, holders: pol.names(), sign: []*document{next}, base: base}
	set, err := rootSet(next, metadata.TARGETS)
	if err != nil {
		return nil, fmt.Errorf("stage root: %w", err)
	}
	if top := base.targets[metadata.TARGETS]; set.check(top) != nil {
		d.sign = append(d.sign, again(top, pol, now))
	}
	return d.write(dir)
}

// onlineKeys returns the new online key and, as long as the published snapshot
// or timestamp is not signed by it, the keys that signed them.
func onlineKeys(base *repository, online crypto.PublicKey) ([]crypto.PublicKey, error) {
	key, err := CheckKey(online)
	if err != nil {
		return nil, fmt.Errorf("online key: %w", err)
	}
	id, err := KeyID(key)
	if err != nil {
		return nil, err
	}
	keys := map[string]*ecdsa.PublicKey{id: key}
	for _, d := range []*document{base.snapshot, base.timestamp} {
		set, err := rootSet(base.root(), d.role)
		if err != nil {
			return nil, err
		}
		signers := set.signers(d)
		if slices.Contains(signers, id) {
			continue
		}
		for _, signer := range signers {
			keys[signer] = set.keys[signer]
		}
	}
	var out []crypto.PublicKey
	for _, id := range (keySet{keys: keys}).ids() {
		out = append(out, keys[id])
	}
	return out, nil
}

// again is the next version of targets with the same content.
func again(top *document, pol Policy, now time.Time) *document {
	meta := metadata.Targets(expiry(now, pol.Targets.Expiry))
	meta.Signed.Version = top.version() + 1
	meta.Signed.Targets = top.targets.Signed.Targets
	meta.Signed.Delegations = top.targets.Signed.Delegations
	meta.Signed.UnrecognizedFields = windowFields(OnlineRole{pol.Targets.Expiry, pol.Targets.Resign})
	return &document{role: metadata.TARGETS, targets: meta}
}

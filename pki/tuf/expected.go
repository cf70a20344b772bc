package tuf

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
)

// CheckExpected returns an error unless the metadata to sign says what policy
// and targets make: holders, thresholds, periods, delegations, and every target
// but those of later. isOnline tells the online keys of the plan; a key that
// the root before names may stay beside them. It names each difference.
func (s *Staged) CheckExpected(pol Policy, t Targets, later []string, isOnline func(crypto.PublicKey) bool, now time.Time) error {
	shares, err := pol.share(slices.Sorted(maps.Keys(t.Files)))
	if err != nil {
		return err
	}
	var errs []error
	for _, d := range s.sign {
		have, err := readModel(d)
		if err != nil {
			return err
		}
		var want *document
		if d.root != nil {
			online := keyRing{}
			for _, role := range []string{metadata.SNAPSHOT, metadata.TIMESTAMP} {
				for id, key := range have.roles[role].keys {
					if isOnline(key) || len(s.roots) > 0 && s.roots[len(s.roots)-1].root.Signed.Keys[id] != nil {
						online[id] = key
					}
				}
			}
			want, err = buildRoot(pol, d.version(), online, now)
		} else if s.Kind == KindRoot {
			// what is published, signed again: its content changes with the next targets
			if s.trusted[d.role] == nil {
				return fmt.Errorf("a change of root signs %s anew", d.fileName())
			}
			want, err = again(s.trusted[d.role], pol, now)
		} else {
			want, err = buildTargets(pol, d.role, d.version(), shares[d.role], t, now)
		}
		if err != nil {
			return err
		}
		expected, err := readModel(want)
		if err != nil {
			return err
		}
		for _, name := range later {
			delete(have.targets, name)
			delete(expected.targets, name)
		}
		expected.spec = have.spec
		for _, differs := range differences(expected, have, s.Holders)[1:] {
			if differs.apply != nil {
				errs = append(errs, fmt.Errorf("%s differs from what ledger and plan say: %s", d.fileName(), strings.TrimSpace(differs.text)))
			}
		}
		if have.expires.After(expected.expires.Add(24 * time.Hour)) {
			errs = append(errs, fmt.Errorf("%s expires on %s, later than the plan lets it", d.fileName(), have.expires.Format(time.RFC3339)))
		}
	}
	return errors.Join(errs...)
}

// ReadTarget returns a target of a store as published, checked from its first
// root on but for expiries, or nil where there is none.
func ReadTarget(ctx context.Context, from objects.Store, name string) ([]byte, error) {
	r, err := load(ctx, from)
	if err != nil {
		return nil, err
	}
	file := files(r.targets)[name]
	if file == nil {
		return nil, nil
	}
	return readTarget(ctx, from, name, file)
}

// TargetDigests returns the hex SHA-256 of every target of a store as published,
// by name, checked from its first root on but for expiries.
func TargetDigests(ctx context.Context, from objects.Store) (map[string]string, error) {
	r, err := load(ctx, from)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for name, file := range files(r.targets) {
		out[name] = file.Hashes["sha256"].String()
	}
	return out, nil
}

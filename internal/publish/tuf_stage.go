package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/kms"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/tuf"
)

// StageFirst stages the first root and targets. It refuses when there is a
// repository already.
func StageFirst(d *trustdir.Dir, ctx context.Context, client *kms.Client, now time.Time) (*tuf.Staged, error) {
	if place, err := repository(d, ctx); err == nil {
		return nil, errors.Join(place.Close(), fault.New(fault.Usage, "stage a change with `trustroot tuf stage`", fmt.Errorf("%s holds a repository already", place)))
	}
	policy, online, err := policy(d, ctx, client)
	if err == nil {
		err = enterOnline(d, online.SPKISHA256(), now)
	}
	if err != nil {
		return nil, err
	}
	targets, err := stagedTargets(d, "")
	if err != nil {
		return nil, err
	}
	folder, err := stagedFolder(d)
	if err != nil {
		return nil, err
	}
	return packed(tuf.StageInit(folder, policy, targets, now))
}

// enterOnline has the ledger know the online key that a root is staged with.
func enterOnline(d *trustdir.Dir, key string, now time.Time) error {
	known := func(g ledger.Generation) bool { return g.Key() == key }
	if slices.ContainsFunc(d.State.Online, known) || d.State.Compromised[key] != nil {
		return nil
	}
	return d.Append(now, ledger.Entry{Online: &ledger.Online{Generation: len(d.State.Online) + 1, SPKISHA256: key}})
}

// StageOptions are what is said when a change is staged.
type StageOptions struct {
	Renew      bool   // though nothing changed and nothing is due
	DropOnline bool   // the next root names no former online key
	Withdraw   string // why published entries that the ledger does not say are taken back
}

// stagedTargets are the targets of a directory in which nothing differs from
// what ledger and plan make, and trust/ is there: what is signed is served. A
// withdrawal brings trust/ there itself.
func stagedTargets(d *trustdir.Dir, withdraw string) (tuf.Targets, error) {
	if withdraw == "" {
		if err := CheckDerived(d); err != nil {
			return tuf.Targets{}, err
		}
	} else if _, err := Rebuild(d); err != nil {
		return tuf.Targets{}, err
	}
	for _, name := range []string{trustdir.TrustedRootFile, trustdir.SigningConfigFile} {
		if _, err := fs.Stat(d.FS(), name); err != nil {
			return tuf.Targets{}, fault.New(fault.Failure, "build it first with `trustroot trusted-root build` and `trustroot signing-config build`", err)
		}
	}
	return targets(d)
}

// Stage stages the next version of root or of targets; with an empty what,
// root if there is something to sign, else targets. renew stages it though
// nothing changed.
func Stage(d *trustdir.Dir, ctx context.Context, client *kms.Client, what string, o StageOptions, now time.Time) (s *tuf.Staged, err error) {
	place, err := repository(d, ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, place.Close()) }()
	policy, online, err := policy(d, ctx, client)
	if err == nil && what != tuf.KindTargets {
		err = enterOnline(d, online.SPKISHA256(), now)
	}
	if err != nil {
		return nil, err
	}
	policy.DropOnline = o.DropOnline
	folder, err := stagedFolder(d)
	if err != nil {
		return nil, err
	}
	if what != tuf.KindTargets {
		s, err = packed(tuf.StageRoot(ctx, folder, place, policy, now, o.Renew))
		if what == tuf.KindRoot || !errors.Is(err, tuf.ErrNothingToStage) {
			return s, nothingToStage(err)
		}
	}
	targets, err := stagedTargets(d, o.Withdraw)
	if err != nil {
		return nil, err
	}
	targets.Withdraw = o.Withdraw
	s, err = packed(tuf.StageTargets(ctx, folder, place, policy, targets, now, o.Renew))
	return s, nothingToStage(err)
}

// packed writes the one file of a staged change, which goes to the holders.
func packed(s *tuf.Staged, err error) (*tuf.Staged, error) {
	if err == nil {
		err = tuf.Pack(s)
	}
	return s, err
}

func nothingToStage(err error) error {
	if errors.Is(err, tuf.ErrNothingToStage) {
		return fault.New(fault.Usage, "change the plan or build the trusted root first; --renew signs the same again", err)
	}
	return err
}

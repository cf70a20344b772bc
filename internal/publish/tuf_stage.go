package publish

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/kms"
	"github.com/linnemanlabs/trustroot/pki/tuf"
)

// StageFirst stages the first root and targets. It refuses when there is a
// repository already.
func StageFirst(d *trustdir.Dir, ctx context.Context, client *kms.Client, now time.Time) (*tuf.Staged, error) {
	if place, err := repository(d, ctx); err == nil {
		return nil, errors.Join(place.Close(), fault.New(fault.Usage, "stage a change with `trustroot tuf stage`", fmt.Errorf("%s holds a repository already", place)))
	}
	policy, _, err := policy(d, ctx, client)
	if err != nil {
		return nil, err
	}
	targets, err := targets(d)
	if err != nil {
		return nil, err
	}
	folder, err := stagedFolder(d)
	if err != nil {
		return nil, err
	}
	return tuf.StageInit(folder, policy, targets, now)
}

// Stage stages the next version of root or of targets; with an empty what,
// root if there is something to sign, else targets. renew stages it though
// nothing changed.
func Stage(d *trustdir.Dir, ctx context.Context, client *kms.Client, what string, renew bool, now time.Time) (s *tuf.Staged, err error) {
	place, err := repository(d, ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, place.Close()) }()
	policy, _, err := policy(d, ctx, client)
	if err != nil {
		return nil, err
	}
	folder, err := stagedFolder(d)
	if err != nil {
		return nil, err
	}
	if what != tuf.KindTargets {
		s, err = tuf.StageRoot(ctx, folder, place, policy, now, renew)
		if what == tuf.KindRoot || !errors.Is(err, tuf.ErrNothingToStage) {
			return s, nothingToStage(err)
		}
	}
	targets, err := targets(d)
	if err != nil {
		return nil, err
	}
	s, err = tuf.StageTargets(ctx, folder, place, policy, targets, now, renew)
	return s, nothingToStage(err)
}

func nothingToStage(err error) error {
	if errors.Is(err, tuf.ErrNothingToStage) {
		return fault.New(fault.Usage, "change the plan or build the trusted root first; --renew signs the same again", err)
	}
	return err
}

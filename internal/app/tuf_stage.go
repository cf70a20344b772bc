package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/kms"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/trustedroot"
	"github.com/linnemanlabs/trustroot/pki/tuf"
)

// StageFirst stages the first root and targets. It refuses when there is a
// repository already.
func (d *Directory) StageFirst(ctx context.Context, client *kms.Client, now time.Time) (*tuf.Staged, error) {
	if place, err := d.repository(ctx); err == nil {
		return nil, errors.Join(place.Close(), fault.New(fault.Usage, "stage a change with `trustroot tuf stage`", fmt.Errorf("%s holds a repository already", place)))
	}
	policy, _, err := d.policy(ctx, client)
	if err != nil {
		return nil, err
	}
	targets, err := d.targets()
	if err != nil {
		return nil, err
	}
	folder, err := d.stagedFolder()
	if err != nil {
		return nil, err
	}
	return tuf.StageInit(folder, policy, targets, now)
}

// Stage stages the next version of root or of targets; with an empty what,
// root if there is something to sign, else targets. renew stages it though
// nothing changed.
func (d *Directory) Stage(ctx context.Context, client *kms.Client, what string, renew bool, now time.Time) (s *tuf.Staged, err error) {
	place, err := d.repository(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, place.Close()) }()
	policy, _, err := d.policy(ctx, client)
	if err != nil {
		return nil, err
	}
	folder, err := d.stagedFolder()
	if err != nil {
		return nil, err
	}
	if what != tuf.KindTargets {
		s, err = tuf.StageRoot(ctx, folder, place, policy, now, renew)
		if what == tuf.KindRoot || !errors.Is(err, tuf.ErrNothingToStage) {
			return s, nothingToStage(err)
		}
	}
	targets, err := d.targets()
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

// Describe says in words what signing a staged change would do: the change of
// the metadata, every difference of the trusted root, and the folder's digest
// for people to read aloud. A trusted root that takes back what was published
// is an error beside the text.
func Describe(s *tuf.Staged) (string, error) {
	text := s.Describe()
	changes, err := s.TargetChanges()
	if err != nil {
		return "", err
	}
	var refused error
	for _, c := range changes {
		if c.Name != tuf.TrustedRootName || c.Old == nil || c.New == nil {
			continue
		}
		differences, err := trustedroot.Diff(c.Old, c.New)
		for _, difference := range differences {
			text += "  " + tuf.TrustedRootName + ": " + strings.TrimSpace(difference.String()) + "\n"
		}
		if err != nil {
			refused = fault.New(fault.Verification, "do not sign; what was once published must stay valid for the signatures of its time", fmt.Errorf("%s takes back what was published: %w", tuf.TrustedRootName, err))
		}
	}
	digest := s.Digest()
	return text + fmt.Sprintf("digest of %s:\n  %x\n  %s\n", s.Dir(), digest, pki.Words(digest[:])), refused
}

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
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

// PublishedAt is what a publication or a refresh did in one place.
type PublishedAt struct {
	Place string `json:"place"`
	Error string `json:"error,omitempty"` // why the place was left out
	tuf.Published
}

// Publish merges a staged change where that was not done, puts it through the
// publication gate, and publishes it: to the repository of the trust directory
// and to every place of the plan, the same bytes everywhere. Interrupted, the
// same command completes.
func Publish(d *trustdir.Dir, ctx context.Context, client *kms.Client, s *tuf.Staged, w Where, roots attestation.Roots, now time.Time) (out []PublishedAt, err error) {
	if err := gate(d, s, roots, now); err != nil {
		return nil, fault.New(fault.Verification, "correct the cause and stage again; nothing was published", fmt.Errorf("publish %s: %w", s.Dir(), err))
	}
	if !s.Sealed() {
		if err := s.Merge(); err != nil {
			return nil, err
		}
	}
	return withPlaces(d, ctx, client, w, now, func(p *tuf.Publisher) error { return p.Publish(ctx, s) })
}

// Refresh has the online key sign timestamp and snapshot again where they are
// due, in the repository of the trust directory and in every place of the plan.
// A place that cannot be reached or is not what it should be is left out, and
// said in the error.
func Refresh(d *trustdir.Dir, ctx context.Context, client *kms.Client, w Where, now time.Time) (out []PublishedAt, next []tuf.Deadline, err error) {
	// what is published is signed for, so it must be what the ledger says; what
	// waits in trust/ is not
	root, err := trustedRootBytes(d)
	if err == nil {
		err = checkPublishedRoot(d, root)
	}
	if err != nil {
		return nil, nil, err
	}
	out, err = withPlaces(d, ctx, client, w, now, func(p *tuf.Publisher) (err error) {
		next, err = p.Refresh(ctx)
		return err
	})
	return out, next, err
}

// withPlaces opens the places, and keeps in the trust directory what was read
// back in each.
func withPlaces(d *trustdir.Dir, ctx context.Context, client *kms.Client, w Where, now time.Time, work func(*tuf.Publisher) error) (out []PublishedAt, err error) {
	policy, online, err := policy(d, ctx, client)
	if err != nil {
		return nil, err
	}
	p, err := openPlaces(d, ctx, w)
	if err != nil {
		return nil, err
	}
	p.Online, p.Policy, p.Now = client.Signer(ctx, online), policy, now
	err = work(p)
	for _, place := range append([]*tuf.Place{p.Own}, p.Places...) {
		if place.Store != nil {
			err = errors.Join(err, place.Store.Close())
		}
		at := PublishedAt{Place: place.Name, Published: place.Published}
		if place.Err != nil {
			at.Error = place.Err.Error()
		}
		if err == nil || place.Err != nil || len(place.Written) > 0 {
			out = append(out, at)
		}
	}
	return out, errors.Join(err, keepForms(d), keepSeen(d, p.Places))
}

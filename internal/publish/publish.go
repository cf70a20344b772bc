package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/kms"
	"github.com/linnemanlabs/trustroot/pki/tuf"
	"github.com/linnemanlabs/trustroot/pki/tuf/store"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

// PublishedAt is what a publication or a refresh did in one place.
type PublishedAt struct {
	Place string `json:"place"`
	*tuf.Published
}

// Publish merges a staged change where that was not done, puts it through the
// publication gate, and publishes it: to the repository of the trust directory
// first, then to the places named. Interrupted, the same command completes.
func Publish(d *trustdir.Dir, ctx context.Context, client *kms.Client, s *tuf.Staged, to []string, roots attestation.Roots, now time.Time) ([]PublishedAt, error) {
	if !s.Sealed() {
		if err := s.Merge(); err != nil {
			return nil, err
		}
	}
	if err := gate(d, s, roots, now); err != nil {
		return nil, fault.New(fault.Verification, "correct the cause and stage again; nothing was published", fmt.Errorf("publish %s: %w", s.Dir(), err))
	}
	policy, online, err := policy(d, ctx, client)
	if err != nil {
		return nil, err
	}
	var out []PublishedAt
	for _, place := range places(d, to) {
		published, err := publishAt(d, ctx, place, func(at store.Store, options ...tuf.Option) (*tuf.Published, error) {
			return tuf.Publish(ctx, s, at, client.Signer(ctx, online), policy, now, options...)
		})
		if err == nil || published != nil && len(published.Written) > 0 {
			out = append(out, PublishedAt{place, published})
		}
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

// Refresh has the online key sign timestamp and snapshot again where they are
// due, in the repository of the trust directory and in the places named. What
// comes next is that of the last place.
func Refresh(d *trustdir.Dir, ctx context.Context, client *kms.Client, to []string, now time.Time) ([]PublishedAt, []tuf.Deadline, error) {
	policy, online, err := policy(d, ctx, client)
	if err != nil {
		return nil, nil, err
	}
	var out []PublishedAt
	var next []tuf.Deadline
	for _, place := range places(d, to) {
		published, err := publishAt(d, ctx, place, func(at store.Store, options ...tuf.Option) (*tuf.Published, error) {
			due, err := tuf.Refresh(ctx, at, client.Signer(ctx, online), policy, now, options...)
			next = due.Next
			return &due.Published, err
		})
		if err == nil || published != nil && len(published.Written) > 0 {
			out = append(out, PublishedAt{place, published})
		}
		if err != nil {
			return out, next, err
		}
	}
	return out, next, nil
}

// publishAt opens a place. Other places than the repository of the trust
// directory take from there the root to trust and the targets that did not
// change.
func publishAt(d *trustdir.Dir, ctx context.Context, place string, work func(store.Store, ...tuf.Option) (*tuf.Published, error)) (p *tuf.Published, err error) {
	at, err := store.Open(ctx, place)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, at.Close()) }()
	if place == d.Join(trustdir.RepositoryDir) {
		return work(at)
	}
	var options []tuf.Option
	root, err := fs.ReadFile(d.FS(), trustdir.RepositoryDir+"/1.root.json")
	if err == nil {
		options = append(options, tuf.Anchor(root))
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the first root: %w", err)
	}
	own, err := store.OpenExisting(ctx, d.Join(trustdir.RepositoryDir))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, own.Close()) }()
	return work(at, append(options, tuf.ContentFrom(own))...)
}

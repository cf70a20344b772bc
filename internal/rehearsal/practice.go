package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

// Practice begins a trust directory to walk by hand, or goes on with one: new
// virtual tokens for a root and for three holders, a stand-in for KMS, and a
// plan in which the second holder is also the witness. Tokens and KMS run until
// Close, which the caller calls whatever Practice returned.
func Practice(ctx context.Context, o Options) (*Rehearsal, error) {
	o.Spares = []uint32{StandbySerial + 1, StandbySerial + 2}
	r := &Rehearsal{Options: o}
	if err := virtual.Missing(); err != nil {
		return r, err
	}
	if err := os.MkdirAll(r.in(stick), 0o755); err != nil {
		return r, fmt.Errorf("make the folder of tokens and keys: %w", err)
	}
	if err := errors.Join(startTokens(ctx, r), startKMS(ctx, r)); err != nil {
		return r, err
	}
	if _, err := os.Lstat(r.in(trustdir.PlanFile)); !errors.Is(err, fs.ErrNotExist) {
		return r, err
	}
	p, err := example(r)
	if err != nil {
		return r, err
	}
	p.Holders = []plan.ExampleHolder{{Name: "alice", Token: HolderSerial}, {Name: "bob", Token: o.Spares[0]}, {Name: "carol", Token: o.Spares[1]}}
	p.Threshold, p.SingleHolder, p.Witnesses = 2, "", []string{"bob"}
	text, err := p.Render()
	if err != nil {
		return r, err
	}
	if err := r.savePlan(text); err != nil {
		return r, err
	}
	_, err = trustdir.Init(o.Out, "", "", o.Now)
	return r, err
}

// example is the practice plan with one holder.
func example(r *Rehearsal) (plan.Example, error) {
	roots, err := attestationRoots(r)
	return plan.Example{
		Organization:     Organization,
		Name:             "Example",
		Domain:           domain,
		NotBefore:        r.Now.UTC().Truncate(24 * time.Hour),
		Token:            Serial,
		Holders:          []plan.ExampleHolder{{Name: holder, Token: HolderSerial}},
		Threshold:        1,
		SingleHolder:     "a rehearsal has one holder",
		App:              app,
		OIDC:             "https://login." + domain,
		AttestationRoots: roots,
		BinarySHA256:     pinned(r),
		ImageSHA256:      r.ImageSHA256,
	}, err
}

// Package cloud opens AWS for the commands that need it.
package cloud

import (
	"context"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/kms"
)

// Open opens the trust directory, and a client as KMS does.
func Open(ctx context.Context, f *cmdutil.Factory, role string) (*trustdir.Dir, *kms.Client, error) {
	d, err := trustdir.Open(f.Dir)
	if err != nil {
		return nil, nil, err
	}
	client, err := KMS(ctx, f, role)
	return d, client, err
}

// KMS returns a client for the keys' account; role is the one to assume
// there for what does not cross accounts, and may be empty.
func KMS(ctx context.Context, f *cmdutil.Factory, role string) (*kms.Client, error) {
	return kms.New(ctx, kms.Options{KeyAccountRole: role, Progress: func(text string) { f.Progress("%s", text) }})
}

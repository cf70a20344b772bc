// Package cloud opens AWS for the commands that need it.
package cloud

import (
	"context"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/kms"
)

// KMS returns a client for the keys' account; role is the one to assume
// there for what does not cross accounts, and may be empty.
func KMS(ctx context.Context, f *cmdutil.Factory, role string) (*kms.Client, error) {
	return kms.New(ctx, kms.Options{KeyAccountRole: role, Progress: func(text string) { f.Progress("%s", text) }})
}

package rehearse

import (
	"context"
	"errors"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/overview"
	"github.com/linnemanlabs/trustroot/internal/rehearsal"
)

// Practice begins a trust directory in which people practise by hand, or goes on
// with it: tokens and KMS run until Enter.
func Practice(ctx context.Context, f *cmdutil.Factory) (err error) {
	offline, err := rehearsal.FindOffline()
	if err != nil {
		return err
	}
	r, err := rehearsal.Practice(ctx, rehearsal.Options{Out: f.Dir, Now: f.Now, Progress: f.Err, Offline: offline})
	defer func() { err = errors.Join(err, r.Close()) }()
	if err != nil {
		return err
	}
	overview.Next(ctx, f)
	return holdOn(ctx, f, r)
}

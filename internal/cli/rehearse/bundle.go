package rehearse

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cloud"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/rehearsal"
)

type rehearseBundleOptions struct {
	*cmdutil.Factory
	another bool
}

func newRehearseBundleCmd(f *cmdutil.Factory) *cobra.Command {
	o := &rehearseBundleOptions{Factory: f}
	cmd := cmdutil.Command(o, runRehearseBundle, "bundle", "Sign and archive a bundle with a rehearsal's keys, in place of its services", "")
	cmd.Flags().BoolVar(&o.another, "another", false, "sign one more of the same generations")
	return cmd
}

func runRehearseBundle(ctx context.Context, o *rehearseBundleOptions) error {
	d, client, err := cloud.Open(ctx, o.Factory, "")
	if err != nil {
		return err
	}
	path, err := rehearsal.SignBundle(d, ctx, client, o.Now, o.another)
	if err != nil {
		return err
	}
	o.Progress("archived %s", path)
	return nil
}

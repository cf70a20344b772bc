package publish

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cloud"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/show"
	"github.com/linnemanlabs/trustroot/internal/publish"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
)

type tufInitOptions struct{ *cmdutil.Factory }

func newTUFInitCmd(f *cmdutil.Factory, run func(context.Context, *tufInitOptions) error) *cobra.Command {
	o := &tufInitOptions{Factory: f}
	return &cobra.Command{
		Use:   "init",
		Short: "Stage the first root and targets for the holders to sign",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return run(c.Context(), o) },
	}
}

func runTUFInit(ctx context.Context, o *tufInitOptions) error {
	d, err := trustdir.Open(o.Dir)
	if err != nil {
		return err
	}
	client, err := cloud.KMS(ctx, o.Factory, "")
	if err != nil {
		return err
	}
	staged, err := publish.StageFirst(d, ctx, client, o.Now)
	if err != nil {
		return err
	}
	return show.Staged(o.Factory, staged)
}

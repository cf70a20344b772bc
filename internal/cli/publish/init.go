package publish

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cloud"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/show"
	"github.com/linnemanlabs/trustroot/internal/publish"
)

func newTUFInitCmd(f *cmdutil.Factory) *cobra.Command {
	return cmdutil.Command(f, runTUFInit, "init", "Stage the first root and targets for the holders to sign", "")
}

func runTUFInit(ctx context.Context, o *cmdutil.Factory) error {
	d, client, err := cloud.Open(ctx, o, "")
	if err != nil {
		return err
	}
	staged, err := publish.StageFirst(d, ctx, client, o.Now)
	if err != nil {
		return err
	}
	return show.Staged(o, staged)
}

package publish

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cloud"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/show"
	"github.com/linnemanlabs/trustroot/internal/publish"
	"github.com/linnemanlabs/trustroot/pki/tuf"
)

type tufStageOptions struct {
	*cmdutil.Factory
	what []string
	publish.StageOptions
}

func newTUFStageCmd(f *cmdutil.Factory) *cobra.Command {
	o := &tufStageOptions{Factory: f}
	cmd := cmdutil.CommandOfMany(o, runTUFStage, "stage [targets|root]", "Stage the next version of targets or root for the holders to sign",
		`Stage the next version of targets or root as a folder to carry.

Without a word it is root if the plan's holders, thresholds or expiries differ
from what is published or root is due, and else targets. It refuses when there
is nothing to do.`, 0, &o.what)
	cmd.Args, cmd.ValidArgs = cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs), []string{tuf.KindTargets, tuf.KindRoot}
	cmd.Flags().BoolVar(&o.Renew, "renew", false, "stage it though nothing changed and nothing is due")
	cmd.Flags().BoolVar(&o.DropOnline, "drop-online-key", false, "root: name no former online key, because it is in other hands")
	cmd.Flags().StringVar(&o.Withdraw, "withdraw", "", "targets: take back published entries that the ledger does not say, and why")
	return cmd
}

func runTUFStage(ctx context.Context, o *tufStageOptions) error {
	d, client, err := cloud.Open(ctx, o.Factory, "")
	if err != nil {
		return err
	}
	staged, err := publish.Stage(d, ctx, client, strings.Join(o.what, ""), o.StageOptions, o.Now)
	if err != nil {
		return err
	}
	return show.Staged(o.Factory, staged)
}

package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/app"
	"github.com/linnemanlabs/trustroot/pki/tuf"
)

type tufStageOptions struct {
	*factory
	what  string
	renew bool
}

func newTUFStageCmd(f *factory, run func(context.Context, *tufStageOptions) error) *cobra.Command {
	o := &tufStageOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "stage [targets|root]",
		Short: "Stage the next version of targets or root for the holders to sign",
		Long: `Stage the next version of targets or root as a folder to carry.

Without a word it is root if the plan's holders, thresholds or expiries differ
from what is published or root is due, and else targets. It refuses when there
is nothing to do.`,
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{tuf.KindTargets, tuf.KindRoot},
		RunE: func(c *cobra.Command, args []string) error {
			o.what = ""
			if len(args) > 0 {
				o.what = args[0]
			}
			return run(c.Context(), o)
		},
	}
	cmd.Flags().BoolVar(&o.renew, "renew", false, "stage it though nothing changed and nothing is due")
	return cmd
}

func runTUFStage(ctx context.Context, o *tufStageOptions) error {
	d, err := app.Open(o.dir)
	if err != nil {
		return err
	}
	client, err := o.kmsClient(ctx, "")
	if err != nil {
		return err
	}
	staged, err := d.Stage(ctx, client, o.what, o.renew, o.now)
	if err != nil {
		return err
	}
	return o.showStaged(staged)
}

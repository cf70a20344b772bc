package begin

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
)

type initOptions struct {
	*cmdutil.Factory
	organization string
	domain       string
	rehearsal    bool
}

func newInitCmd(f *cmdutil.Factory, practice func(context.Context, *cmdutil.Factory) error, run func(context.Context, *initOptions) error) *cobra.Command {
	o := &initOptions{Factory: f}
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Begin a trust directory: a plan to fill in and an empty ledger",
		Long:  "Begin a trust directory: a plan to fill in and an empty ledger.\n\nA plan that is there already is kept.",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if o.rehearsal {
				return practice(c.Context(), f)
			}
			return run(c.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.organization, "organization", "", "organization in every subject")
	cmd.Flags().StringVar(&o.domain, "domain", "", "domain under which the services run")
	cmd.Flags().BoolVar(&o.rehearsal, "rehearsal", false, "begin one to practise in by hand, with virtual tokens and a stand-in for KMS")
	return cmd
}

func runInit(_ context.Context, o *initOptions) error {
	written, err := trustdir.Init(o.Dir, o.organization, o.domain, o.Now)
	if err != nil {
		return err
	}
	for _, name := range written {
		o.Progress("wrote %s", name)
	}
	return nil
}

package look

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/pki/trustedroot"
)

type trustedRootDiffOptions struct {
	*cmdutil.Factory
	old, new string
}

func newTrustedRootDiffCmd(f *cmdutil.Factory, run func(context.Context, *trustedRootDiffOptions) error) *cobra.Command {
	o := &trustedRootDiffOptions{Factory: f}
	return &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Show what a newer file adds and closes, and refuse anything else",
		Args:  cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			o.old, o.new = args[0], args[1]
			return run(c.Context(), o)
		},
	}
}

func runTrustedRootDiff(_ context.Context, o *trustedRootDiffOptions) error {
	oldFile, err := cmdutil.ReadFile(o.old)
	if err != nil {
		return err
	}
	newFile, err := cmdutil.ReadFile(o.new)
	if err != nil {
		return err
	}
	changes, refused := trustedroot.Diff(oldFile, newFile)
	if o.JSON {
		if changes == nil {
			changes = []trustedroot.Change{}
		}
		if err := cmdutil.PrintJSON(o.Out, changes); err != nil {
			return err
		}
		return refused
	}
	for _, change := range changes {
		if err := cmdutil.PrintText(o.Out, change.String()+"\n"); err != nil {
			return err
		}
	}
	if refused == nil && len(changes) == 0 {
		o.Progress("nothing changed")
	}
	return refused
}

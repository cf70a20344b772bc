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

func newTrustedRootDiffCmd(f *cmdutil.Factory) *cobra.Command {
	o := &trustedRootDiffOptions{Factory: f}
	return cmdutil.Command(o, runTrustedRootDiff, "diff OLD NEW", "Show what a newer file adds and closes, and refuse anything else", "", &o.old, &o.new)
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

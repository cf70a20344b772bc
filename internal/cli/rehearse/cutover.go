package rehearse

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/rehearsal"
)

type rehearseCutoverOptions struct {
	*cmdutil.Factory
	rehearsalFlags
	names []string
	at    string
}

func newRehearseCutoverCmd(f *cmdutil.Factory, tree func(*cmdutil.Factory) *cobra.Command) *cobra.Command {
	o := &rehearseCutoverOptions{Factory: f, rehearsalFlags: rehearsalFlags{tree: tree}}
	cmd := cmdutil.CommandOfMany(o, runRehearseCutover, "cutover [NAME...]",
		"Rehearse the switch of every renewed service, or of those named, in a rehearsal's folder",
		`Rehearse the switch of every renewed service, or of those named, in the folder
in which `+"`trustroot rehearse renew`"+` went before: the recorded time closes the
windows of the older generations, and the closed windows are published.`, 0, &o.names)
	o.register(cmd, "folder of the rehearsal")
	cmd.Flags().StringVar(&o.at, "at", "", "when the switch was seen (RFC 3339) (default: now)")
	return cmd
}

func runRehearseCutover(ctx context.Context, o *rehearseCutoverOptions) error {
	at, err := cmdutil.Instant("--at", o.at)
	if err != nil {
		return err
	}
	options, err := o.options(o.Factory)
	if err != nil {
		return err
	}
	r, err := rehearsal.Cutover(ctx, options, o.names, at)
	return finish(o.Factory, ctx, o.outDir, r, err)
}

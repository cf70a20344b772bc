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

func newRehearseCutoverCmd(f *cmdutil.Factory, tree func(*cmdutil.Factory) *cobra.Command, run func(context.Context, *rehearseCutoverOptions) error) *cobra.Command {
	o := &rehearseCutoverOptions{Factory: f, rehearsalFlags: rehearsalFlags{tree: tree}}
	cmd := &cobra.Command{
		Use:   "cutover [NAME...]",
		Short: "Rehearse the switch of every renewed service, or of those named, in a rehearsal's folder",
		Long: `Rehearse the switch of every renewed service, or of those named, in the folder
in which ` + "`trustroot rehearse renew`" + ` went before: the recorded time closes the
windows of the older generations, and the closed windows are published.`,
		RunE: func(c *cobra.Command, args []string) error {
			o.names = args
			return run(c.Context(), o)
		},
	}
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

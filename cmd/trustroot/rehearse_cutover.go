package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/ceremony/rehearsal"
)

type rehearseCutoverOptions struct {
	*factory
	rehearsalFlags
	names []string
	at    string
}

func newRehearseCutoverCmd(f *factory, run func(context.Context, *rehearseCutoverOptions) error) *cobra.Command {
	o := &rehearseCutoverOptions{factory: f}
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
	cmd.Flags().StringVar(&o.at, "at", "", "when the switch was seen (RFC 3339); now where it is left away")
	return cmd
}

func runRehearseCutover(ctx context.Context, o *rehearseCutoverOptions) error {
	at, err := instant("--at", o.at)
	if err != nil {
		return err
	}
	r, err := rehearsal.Cutover(ctx, o.options(o.factory), o.names, at)
	return o.finish(ctx, o.outDir, r, err)
}

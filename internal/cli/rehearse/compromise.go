package rehearse

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/rehearsal"
)

type rehearseCompromiseOptions struct {
	*cmdutil.Factory
	rehearsalFlags
	name  string
	since string
}

func newRehearseCompromiseCmd(f *cmdutil.Factory, tree func(*cmdutil.Factory) *cobra.Command) *cobra.Command {
	o := &rehearseCompromiseOptions{Factory: f, rehearsalFlags: rehearsalFlags{tree: tree}}
	cmd := cmdutil.Command(o, runRehearseCompromise, "compromise NAME",
		"Rehearse the theft of an authority's key or of the root's, in a rehearsal's folder",
		`Rehearse the theft of an authority's key, or of the root's, in the folder that
`+"`trustroot rehearse`"+` left: a thief signs, the theft is recorded, what stands on
the key is refused, closed, made again with new keys and published. For the root
the folder needs a root that stands by: trustroot rehearse --standby.`, &o.name)
	o.register(cmd, "folder of the rehearsal")
	cmd.Flags().StringVar(&o.since, "since", "", "first instant of misuse (RFC 3339) (default: now)")
	return cmd
}

func runRehearseCompromise(ctx context.Context, o *rehearseCompromiseOptions) error {
	since, err := cmdutil.Instant("--since", o.since)
	if err != nil {
		return err
	}
	options, err := o.options(o.Factory)
	if err != nil {
		return err
	}
	r, err := rehearsal.Compromise(ctx, options, o.name, since)
	return finish(o.Factory, ctx, o.outDir, r, err)
}

package rehearse

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/overview"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/rehearsal"
)

type rehearseRenewOptions struct {
	*cmdutil.Factory
	rehearsalFlags
	names []string
}

func newRehearseRenewCmd(f *cmdutil.Factory, tree func(*cmdutil.Factory) *cobra.Command) *cobra.Command {
	o := &rehearseRenewOptions{Factory: f, rehearsalFlags: rehearsalFlags{tree: tree}}
	cmd := cmdutil.CommandOfMany(o, runRehearseRenew, "renew [NAME...]",
		"Rehearse the renewal of every service, or of those named, in a rehearsal's folder",
		`Rehearse the renewal of every service, or of those named, in the folder that
`+"`trustroot rehearse`"+` left: new keys, a ceremony under the root that is there, and
a publication with the new generations open beside those in use. What comes
after it is the switch: trustroot rehearse cutover.`, 0, &o.names)
	o.register(cmd, "folder of the rehearsal")
	return cmd
}

func runRehearseRenew(ctx context.Context, o *rehearseRenewOptions) error {
	options, err := o.options(o.Factory)
	if err != nil {
		return err
	}
	r, err := rehearsal.Renew(ctx, options, o.names)
	return finish(o.Factory, ctx, o.outDir, r, err)
}

// finish ends a rehearsal that went on in a folder which was there before.
func finish(f *cmdutil.Factory, ctx context.Context, dir string, r *rehearsal.Rehearsal, err error) error {
	if err == nil {
		f.Dir = dir
		return errors.Join(overview.Status(ctx, f), r.Close())
	}
	kept := r.Kept()
	if fault.ExitCode(err) == int(fault.Stopped) {
		if kept != "" {
			err = errors.Join(err, r.Restore())
		}
		return errors.Join(fault.New(fault.Stopped, dir+" is as it was before", err), r.Close())
	}
	if kept != "" {
		err = fault.New(fault.Code(fault.ExitCode(err)), strings.TrimPrefix(fault.Hint(err)+"; ", "; ")+"what was made stays in "+dir+" for a look, as it was before is "+kept+": put that in its place before the next try", err)
	}
	return errors.Join(err, r.Close())
}

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

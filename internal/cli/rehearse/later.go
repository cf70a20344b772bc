package rehearse

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/overview"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/rehearsal"
)

// laterOptions are those of a rehearsal that goes on in a folder which was there
// before.
type laterOptions struct {
	*cmdutil.Factory
	rehearsalFlags
	names []string
	name  string
	at    string // time of what is rehearsed
}

func newLaterOptions(f *cmdutil.Factory, tree func(*cmdutil.Factory) *cobra.Command) *laterOptions {
	return &laterOptions{Factory: f, rehearsalFlags: rehearsalFlags{tree: tree}}
}

func newRehearseRenewCmd(f *cmdutil.Factory, tree func(*cmdutil.Factory) *cobra.Command) *cobra.Command {
	o := newLaterOptions(f, tree)
	cmd := cmdutil.CommandOfMany(o, runRehearseRenew, "renew [NAME...]",
		"Rehearse the renewal of every service, or of those named, in a rehearsal's folder",
		`Rehearse the renewal of every service, or of those named, in the folder that
`+"`trustroot rehearse`"+` left: new keys, a ceremony under the root that is there, and
a publication with the new generations open beside those in use. What comes
after it is the switch: trustroot rehearse cutover.`, 0, &o.names)
	o.register(cmd, "folder of the rehearsal")
	return cmd
}

func runRehearseRenew(ctx context.Context, o *laterOptions) error {
	return o.play(ctx, "", func(options rehearsal.Options, _ time.Time) (*rehearsal.Rehearsal, error) {
		return rehearsal.Renew(ctx, options, o.names)
	})
}

func newRehearseCutoverCmd(f *cmdutil.Factory, tree func(*cmdutil.Factory) *cobra.Command) *cobra.Command {
	o := newLaterOptions(f, tree)
	cmd := cmdutil.CommandOfMany(o, runRehearseCutover, "cutover [NAME...]",
		"Rehearse the switch of every renewed service, or of those named, in a rehearsal's folder",
		`Rehearse the switch of every renewed service, or of those named, in the folder
in which `+"`trustroot rehearse renew`"+` went before: the recorded time closes the
windows of the older generations, and the closed windows are published.`, 0, &o.names)
	o.register(cmd, "folder of the rehearsal")
	cmd.Flags().StringVar(&o.at, "at", "", "when the switch was seen (RFC 3339) (default: now)")
	return cmd
}

func runRehearseCutover(ctx context.Context, o *laterOptions) error {
	return o.play(ctx, "--at", func(options rehearsal.Options, at time.Time) (*rehearsal.Rehearsal, error) {
		return rehearsal.Cutover(ctx, options, o.names, at)
	})
}

func newRehearseCompromiseCmd(f *cmdutil.Factory, tree func(*cmdutil.Factory) *cobra.Command) *cobra.Command {
	o := newLaterOptions(f, tree)
	cmd := cmdutil.Command(o, runRehearseCompromise, "compromise NAME",
		"Rehearse the theft of an authority's key or of the root's, in a rehearsal's folder",
		`Rehearse the theft of an authority's key, or of the root's, in the folder that
`+"`trustroot rehearse`"+` left: a thief signs, the theft is recorded, what stands on
the key is refused, closed, made again with new keys and published. For the root
the folder needs a root that stands by: trustroot rehearse --standby.`, &o.name)
	o.register(cmd, "folder of the rehearsal")
	cmd.Flags().StringVar(&o.at, "since", "", "first instant of misuse (RFC 3339) (default: now)")
	return cmd
}

func runRehearseCompromise(ctx context.Context, o *laterOptions) error {
	return o.play(ctx, "--since", func(options rehearsal.Options, since time.Time) (*rehearsal.Rehearsal, error) {
		return rehearsal.Compromise(ctx, options, o.name, since)
	})
}

// play goes on in the folder, at the time that a flag gives, and ends the
// rehearsal.
func (o *laterOptions) play(ctx context.Context, flag string, rehearse func(rehearsal.Options, time.Time) (*rehearsal.Rehearsal, error)) error {
	at, err := cmdutil.Instant(flag, o.at, o.Now)
	if err != nil {
		return err
	}
	options, err := o.options(o.Factory)
	if err != nil {
		return err
	}
	r, err := rehearse(options, at)
	if err == nil {
		o.Dir = o.outDir
		return errors.Join(overview.Status(ctx, o.Factory), r.Close())
	}
	kept := r.Kept()
	if fault.ExitCode(err) == int(fault.Stopped) {
		if kept != "" {
			err = errors.Join(err, r.Restore())
		}
		return errors.Join(fault.New(fault.Stopped, o.outDir+" is as it was before", err), r.Close())
	}
	if kept != "" {
		err = fault.New(fault.Code(fault.ExitCode(err)), strings.TrimPrefix(fault.Hint(err)+"; ", "; ")+"what was made stays in "+o.outDir+" for a look, as it was before is "+kept+": put that in its place before the next try", err)
	}
	return errors.Join(err, r.Close())
}

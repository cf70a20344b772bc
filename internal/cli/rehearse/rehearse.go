package rehearse

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/overview"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/next"
	"github.com/linnemanlabs/trustroot/internal/rehearsal"
	"github.com/linnemanlabs/trustroot/internal/term"
)

// rehearsalFlags are what every rehearsal takes.
type rehearsalFlags struct {
	tree   func(*cmdutil.Factory) *cobra.Command // the commands that are rehearsed
	outDir string
	kms    string
}

func (r *rehearsalFlags) register(cmd *cobra.Command, out string) {
	cmd.Flags().StringVar(&r.outDir, "out", "rehearsal", out)
	cmd.Flags().StringVar(&r.kms, "kms", "", "URL of a KMS to use in place of the stand-in")
}

// options are those of a rehearsal whose commands run in this process, but for
// the steps at a token, which the built offline program beside this one plays.
func (r *rehearsalFlags) options(f *cmdutil.Factory) (rehearsal.Options, error) {
	f.Grace.Store(int64(30 * time.Second)) // to stop its daemons and put back what was there
	o := rehearsal.Options{
		Out:      r.outDir,
		KMS:      r.kms,
		Now:      f.Now,
		Progress: f.Err,
		Command:  r.rehearsed(f),
		Waits: func(ctx context.Context, dir string) ([]string, error) {
			l, err := next.Of(ctx, dir, f.Now)
			if err != nil {
				return nil, err
			}
			return l.Now(), nil
		},
	}
	offline, err := rehearsal.FindOffline()
	if err != nil {
		return o, err
	}
	if offline == nil {
		f.Progress("there is no %s beside this program: this program plays its steps too", rehearsal.OfflineName)
		return o, nil
	}
	f.Progress("steps at a token: %s, SHA-256 %s", offline.Path, offline.SHA256)
	offline.Err = &indented{w: f.Err}
	offline.Show = func(ctx context.Context, request string) ([]byte, error) {
		return o.Command(ctx, "request", "show", "--json", request)
	}
	o.Offline = offline
	return o, nil
}

type rehearseOptions struct {
	*cmdutil.Factory
	rehearsalFlags
	hold    bool
	standby bool
	room    string
}

func newRehearseCmd(f *cmdutil.Factory, tree func(*cmdutil.Factory) *cobra.Command) *cobra.Command {
	o := &rehearseOptions{Factory: f, rehearsalFlags: rehearsalFlags{tree: tree}}
	cmd := cmdutil.Command(o, runRehearse, "rehearse", "Walk the whole way on this machine, with virtual tokens and a stand-in for KMS", "")
	o.register(cmd, "new folder that becomes a trust directory")
	cmd.Flags().BoolVar(&o.hold, "hold", false, "keep tokens and KMS running at the end, until Enter")
	cmd.Flags().StringVar(&o.room, "room", "", "ceremony image to hold the founding ceremony in by hand, in a virtual machine with a virtual token and stick")
	cmd.Flags().BoolVar(&o.standby, "standby", false, "found a second root that stands by, and sign CRLs")
	cmd.AddCommand(
		newRehearseRenewCmd(f, tree),
		newRehearseCutoverCmd(f, tree),
		newRehearseCompromiseCmd(f, tree),
		newRehearseBundleCmd(f),
	)
	return cmd
}

func runRehearse(ctx context.Context, o *rehearseOptions) (err error) {
	options, err := o.options(o.Factory)
	if err != nil {
		return err
	}
	options.Standby = o.standby
	if o.room != "" {
		if err := o.roomOptions(&options); err != nil {
			return err
		}
	}
	r, err := rehearsal.Run(ctx, options)
	defer func() { err = errors.Join(err, r.Close()) }()
	if err != nil {
		return o.giveUp(r, err)
	}
	o.Dir = o.outDir
	if err := overview.Status(ctx, o.Factory); err != nil {
		return err
	}
	if o.hold {
		return holdOn(ctx, o.Factory, r)
	}
	return nil
}

// rehearsed runs one command line in a trust directory, answered by script.
func (r *rehearsalFlags) rehearsed(f *cmdutil.Factory) func(context.Context, ...string) ([]byte, error) {
	return func(ctx context.Context, args ...string) ([]byte, error) {
		var data bytes.Buffer
		inner := &cmdutil.Factory{
			Out:      &data,
			Err:      &indented{w: f.Err},
			Operator: &term.Script{Out: f.Err, Secrets: rehearsal.Secret},
			Now:      f.Now,
			Dir:      r.outDir,
		}
		root := r.tree(inner)
		root.SetArgs(args)
		root.SetOut(inner.Out)
		root.SetErr(inner.Err)
		err := root.ExecuteContext(ctx)
		return data.Bytes(), err
	}
}

// giveUp says what is left of a rehearsal that did not come to its end.
func (o *rehearseOptions) giveUp(r *rehearsal.Rehearsal, err error) error {
	if !r.Began() {
		return err
	}
	if fault.ExitCode(err) == int(fault.Stopped) {
		if removed := os.RemoveAll(o.outDir); removed != nil {
			return errors.Join(err, removed)
		}
		return fault.New(fault.Stopped, "nothing is left: tokens, KMS and folder are gone", err)
	}
	return fault.New(fault.Code(fault.ExitCode(err)), strings.TrimPrefix(fault.Hint(err)+"; ", "; ")+"what was made stays in "+o.outDir+" for a look, remove it before the next try", err)
}

// holdOn keeps the tokens and the KMS for other programs.
func holdOn(ctx context.Context, o *cmdutil.Factory, r *rehearsal.Rehearsal) error {
	var text strings.Builder
	term.Fprintf(&text, "export PCSCLITE_CSOCK_NAME=%s\n", r.Socket())
	for _, variable := range r.Environment() {
		term.Fprintf(&text, "export %s\n", variable)
	}
	if err := cmdutil.PrintText(o.Out, text.String()); err != nil {
		return err
	}
	o.Progress("tokens and KMS run until Enter; in another terminal, with the variables above: yubico-piv-tool -a status")
	pressed := make(chan struct{})
	go func() {
		defer close(pressed)
		_, _ = fmt.Fscanln(os.Stdin) // the end of input counts as Enter
	}()
	select {
	case <-pressed:
	case <-ctx.Done():
	}
	return nil
}

// indented shifts whole lines, so that a rehearsed command's words stand under
// its command line.
type indented struct {
	w interface{ Write([]byte) (int, error) }
}

func (i *indented) Write(p []byte) (int, error) {
	text := "      " + strings.ReplaceAll(strings.TrimSuffix(string(p), "\n"), "\n", "\n      ") + "\n"
	if _, err := i.w.Write([]byte(text)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Practice begins a trust directory in which people practise by hand, or goes on
// with it: tokens and KMS run until Enter.
func Practice(ctx context.Context, f *cmdutil.Factory) (err error) {
	offline, err := rehearsal.FindOffline()
	if err != nil {
		return err
	}
	r, err := rehearsal.Practice(ctx, rehearsal.Options{Out: f.Dir, Now: f.Now, Progress: f.Err, Offline: offline})
	defer func() { err = errors.Join(err, r.Close()) }()
	if err != nil {
		return err
	}
	overview.Next(ctx, f)
	return holdOn(ctx, f, r)
}

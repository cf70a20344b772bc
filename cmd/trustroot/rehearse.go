package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/ceremony/rehearsal"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
)

type rehearseOptions struct {
	*factory
	outDir string
	kms    string
	hold   bool
}

func newRehearseCmd(f *factory, run func(context.Context, *rehearseOptions) error) *cobra.Command {
	o := &rehearseOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "rehearse",
		Short: "Walk the whole way on this machine, with a virtual token and a stand-in for KMS",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return run(c.Context(), o) },
	}
	cmd.Flags().StringVar(&o.outDir, "out", "rehearsal", "new folder that becomes a trust directory")
	cmd.Flags().StringVar(&o.kms, "kms", "", "URL of a KMS to use in place of the stand-in")
	cmd.Flags().BoolVar(&o.hold, "hold", false, "keep token and KMS running at the end, until Enter")
	cmd.AddCommand(newRehearseBundleCmd(f, runRehearseBundle))
	return cmd
}

func runRehearse(ctx context.Context, o *rehearseOptions) (err error) {
	r, err := rehearsal.Run(ctx, rehearsal.Options{
		Out:      o.outDir,
		KMS:      o.kms,
		Now:      o.now,
		Progress: o.err,
		Command:  o.rehearsedCommand,
	})
	defer func() { err = errors.Join(err, r.Close()) }()
	if err != nil {
		return o.giveUp(r, err)
	}
	o.dir = o.outDir
	if err := o.show(ctx); err != nil {
		return err
	}
	if o.hold {
		return o.holdOn(ctx, r)
	}
	return nil
}

// rehearsedCommand runs one command line, answered by script.
func (o *rehearseOptions) rehearsedCommand(ctx context.Context, args ...string) ([]byte, error) {
	var data bytes.Buffer
	progress := &indented{w: o.err}
	f := &factory{
		out:      &data,
		err:      progress,
		operator: &term.Script{Out: o.err, Secrets: rehearsal.Secret},
		now:      o.now,
		dir:      o.outDir,
	}
	root := newRootCmd(f)
	root.SetArgs(args)
	root.SetOut(f.out)
	root.SetErr(f.err)
	err := root.ExecuteContext(ctx)
	return data.Bytes(), err
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
		return fault.New(fault.Stopped, "nothing is left: token, KMS and folder are gone", err)
	}
	return fault.New(fault.Code(fault.ExitCode(err)), strings.TrimPrefix(fault.Hint(err)+"; ", "; ")+"what was made stays in "+o.outDir+" for a look, remove it before the next try", err)
}

// holdOn keeps the token and the KMS for other programs.
func (o *rehearseOptions) holdOn(ctx context.Context, r *rehearsal.Rehearsal) error {
	var text strings.Builder
	fmt.Fprintf(&text, "export PCSCLITE_CSOCK_NAME=%s\n", r.Socket())
	for _, variable := range r.Environment() {
		fmt.Fprintf(&text, "export %s\n", variable)
	}
	if err := printText(o.out, text.String()); err != nil {
		return err
	}
	o.progress("token and KMS run until Enter; in another terminal, with the variables above: yubico-piv-tool -a status")
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

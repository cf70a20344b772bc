package main

import (
	"context"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/app"
	"github.com/linnemanlabs/trustroot/pki/trustedroot"
)

func newTrustedRootCmd(f *factory) *cobra.Command {
	cmd := &cobra.Command{Use: "trusted-root", Short: "The file that verifiers live by", RunE: help}
	cmd.AddCommand(
		newBuildCmd(f, app.TrustedRootFile, "Write "+app.TrustedRootFile+" from ledger and plan, and what is served beside it", (*app.Directory).BuildTrustedRoot),
		newLintCmd(f, lintTrustedRoot, runLint),
		newTrustedRootDiffCmd(f, runTrustedRootDiff),
		newTrustedRootShowCmd(f, runTrustedRootShow),
		newTrustedRootCheckCmd(f, runTrustedRootCheck),
	)
	return cmd
}

type buildOptions struct {
	*factory
	file  string
	build func(*app.Directory) (*app.Built, error)
}

func newBuildCmd(f *factory, file, short string, build func(*app.Directory) (*app.Built, error)) *cobra.Command {
	o := &buildOptions{factory: f, file: file, build: build}
	return &cobra.Command{
		Use:   "build",
		Short: short,
		Long: short + ".\n\n" +
			"The same ledger, plan and files give the same bytes on any machine. Nothing\n" +
			"is written where the linter finds an error or an entry that is there would\n" +
			"be lost. The file goes to standard output too.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runBuild(c.Context(), o) },
	}
}

func runBuild(_ context.Context, o *buildOptions) error {
	d, err := app.Open(o.dir)
	if err != nil {
		return err
	}
	built, err := o.build(d)
	if err != nil {
		return err
	}
	for _, finding := range built.Findings {
		o.progress("%s", finding)
	}
	for _, change := range built.Changes {
		o.progress("%s", change)
	}
	o.progress("wrote %s", filepath.Join(o.dir, filepath.FromSlash(o.file)))
	return printText(o.out, string(built.Data))
}

// given returns the file of an argument, or the trust directory's own.
func (f *factory) given(args []string) string {
	if len(args) > 0 {
		return args[0]
	}
	return filepath.Join(f.dir, filepath.FromSlash(app.TrustedRootFile))
}

type trustedRootDiffOptions struct {
	*factory
	old, new string
}

func newTrustedRootDiffCmd(f *factory, run func(context.Context, *trustedRootDiffOptions) error) *cobra.Command {
	o := &trustedRootDiffOptions{factory: f}
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
	oldFile, err := readFile(o.old)
	if err != nil {
		return err
	}
	newFile, err := readFile(o.new)
	if err != nil {
		return err
	}
	changes, refused := trustedroot.Diff(oldFile, newFile)
	if o.json {
		if changes == nil {
			changes = []trustedroot.Change{}
		}
		if err := printJSON(o.out, changes); err != nil {
			return err
		}
		return refused
	}
	for _, change := range changes {
		if err := printText(o.out, change.String()+"\n"); err != nil {
			return err
		}
	}
	if refused == nil && len(changes) == 0 {
		o.progress("nothing changed")
	}
	return refused
}

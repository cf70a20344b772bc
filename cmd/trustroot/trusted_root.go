package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/app"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/trustedroot"
)

func newTrustedRootCmd(f *factory) *cobra.Command {
	cmd := &cobra.Command{Use: "trusted-root", Short: "The file that verifiers live by", RunE: help}
	cmd.AddCommand(
		newBuildCmd(f, app.TrustedRootFile, (*app.Directory).BuildTrustedRoot),
		newLintCmd(f, "trusted_root.json", trustedroot.Lint),
	)
	return cmd
}

func newSigningConfigCmd(f *factory) *cobra.Command {
	cmd := &cobra.Command{Use: "signing-config", Short: "The file that tells signers where to go", RunE: help}
	cmd.AddCommand(
		newBuildCmd(f, app.SigningConfigFile, (*app.Directory).BuildSigningConfig),
		newLintCmd(f, "signing config", trustedroot.LintSigningConfig),
	)
	return cmd
}

func newBuildCmd(f *factory, file string, build func(*app.Directory) ([]byte, error)) *cobra.Command {
	return &cobra.Command{
		Use:   "build",
		Short: "Write " + file + " from ledger and plan",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			d, err := app.Open(f.dir)
			if err != nil {
				return err
			}
			data, err := build(d)
			if err != nil {
				return err
			}
			f.progress("wrote %s", file)
			return printText(f.out, string(data))
		},
	}
}

// linter judges the bytes of a file.
type linter func([]byte, trustedroot.LintOptions) ([]trustedroot.Finding, error)

type lintOptions struct {
	*factory
	file    string
	clients []string
	lint    linter
}

func newLintCmd(f *factory, what string, judge linter) *cobra.Command {
	o := &lintOptions{factory: f, lint: judge}
	cmd := &cobra.Command{
		Use:   "lint FILE",
		Short: "Judge a " + what + " as its clients would",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.file = args[0]
			return runLint(c.Context(), o)
		},
	}
	cmd.Flags().StringSliceVar(&o.clients, "client", nil, "only what concerns these clients")
	return cmd
}

func runLint(_ context.Context, o *lintOptions) error {
	data, err := readFile(o.file)
	if err != nil {
		return err
	}
	findings, err := o.lint(data, trustedroot.LintOptions{Clients: o.clients})
	if err != nil {
		return err
	}
	bad := 0
	for _, finding := range findings {
		if finding.Severity == trustedroot.Error {
			bad++
		}
	}
	if o.json {
		err = printJSON(o.out, findings)
	} else {
		for _, finding := range findings {
			err = errors.Join(err, printText(o.out, finding.String()+"\n"))
		}
	}
	if err != nil {
		return err
	}
	if bad > 0 {
		return fault.New(fault.Verification, "each finding says how to repair it", fmt.Errorf("%s has %d errors", o.file, bad))
	}
	o.progress("%s: %d findings, no errors", o.file, len(findings))
	return nil
}

package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/version"
)

// newRootCmd makes the command for a command line. Of the commands below it
// there are all, or the one alone that the line names first: a run needs one,
// and to make all of them takes it as long as to read a ledger.
func newRootCmd(f *factory, args []string) *cobra.Command {
	cmd := &cobra.Command{
		Use:           "trustroot",
		Short:         "Make, renew and publish the trust root of a self-hosted Sigstore",
		Version:       version.String(),
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	cmd.PersistentFlags().StringVar(&f.dir, "dir", f.dir, "the trust directory")
	cmd.PersistentFlags().BoolVar(&f.json, "json", false, "print data as JSON")
	cmd.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fault.New(fault.Usage, "see `"+c.CommandPath()+" --help`", err)
	})
	cmd.AddCommand(f.commands(firstWord(args))...)
	markUsage(cmd)
	return cmd
}

// commands returns the command of that name, or all where none has it.
func (f *factory) commands(name string) []*cobra.Command {
	type maker struct {
		name string
		make func() *cobra.Command
	}
	makers := []maker{
		{"init", func() *cobra.Command { return newInitCmd(f, runInit) }},
		{"adopt", func() *cobra.Command { return newAdoptCmd(f, runAdopt) }},
		{"plan", func() *cobra.Command { return newPlanCmd(f) }},
		{"status", func() *cobra.Command { return newStatusCmd(f, runStatus) }},
		{"renew", func() *cobra.Command { return newRenewCmd(f, runRenew) }},
		{"cutover", func() *cobra.Command { return newCutoverCmd(f, runCutover) }},
		{"rehearse", func() *cobra.Command { return newRehearseCmd(f, runRehearse) }},
		{"token", func() *cobra.Command { return newTokenCmd(f) }},
		{"kms", func() *cobra.Command { return newKMSCmd(f) }},
		{"request", func() *cobra.Command { return newRequestCmd(f) }},
		{"ceremony", func() *cobra.Command { return newCeremonyCmd(f) }},
		{"ledger", func() *cobra.Command { return newLedgerCmd(f) }},
		{"log", func() *cobra.Command { return newLogCmd(f) }},
		{"trusted-root", func() *cobra.Command { return newTrustedRootCmd(f) }},
		{"signing-config", func() *cobra.Command { return newSigningConfigCmd(f) }},
		{"tuf", func() *cobra.Command { return newTUFCmd(f) }},
		{"services", func() *cobra.Command { return newServicesCmd(f) }},
		{"verify", func() *cobra.Command { return newVerifyCmd(f, runVerify) }},
	}
	one := slices.IndexFunc(makers, func(m maker) bool { return m.name == name })
	if one >= 0 {
		makers = makers[one : one+1]
	}
	commands := make([]*cobra.Command, len(makers))
	for i, m := range makers {
		commands[i] = m.make()
	}
	return commands
}

// firstWord returns the command that a line begins with, after the flags that
// stand before it, or nothing where that is not plain to see.
func firstWord(args []string) string {
	for len(args) > 0 {
		switch arg := args[0]; {
		case arg == "--dir" && len(args) > 1:
			args = args[2:]
		case arg == "--json", strings.HasPrefix(arg, "--dir="):
			args = args[1:]
		case strings.HasPrefix(arg, "-"):
			return ""
		default:
			return arg
		}
	}
	return ""
}

// markUsage makes wrong arguments, and commands that are none, errors of
// usage.
func markUsage(cmd *cobra.Command) {
	check := cmd.Args
	cmd.Args = func(c *cobra.Command, args []string) error {
		var err error
		if c.HasSubCommands() && len(args) > 0 {
			err = fmt.Errorf("unknown command %q for %q", args[0], c.CommandPath())
		} else if check != nil {
			err = check(c, args)
		}
		if err != nil {
			return fault.New(fault.Usage, "see `"+c.CommandPath()+" --help`", err)
		}
		return nil
	}
	for _, sub := range cmd.Commands() {
		markUsage(sub)
	}
}

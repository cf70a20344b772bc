package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/version"
)

func newRootCmd(f *factory) *cobra.Command {
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
	cmd.AddCommand(
		newInitCmd(f, runInit),
		newAdoptCmd(f, runAdopt),
		newPlanCmd(f),
		newStatusCmd(f, runStatus),
		newRenewCmd(f, runRenew),
		newCutoverCmd(f, runCutover),
		newRehearseCmd(f, runRehearse),
		newTokenCmd(f),
		newKMSCmd(f),
		newRequestCmd(f),
		newCeremonyCmd(f),
		newLedgerCmd(f),
		newLogCmd(f),
		newTrustedRootCmd(f),
		newSigningConfigCmd(f),
		newTUFCmd(f),
		newServicesCmd(f),
		newVerifyCmd(f, runVerify),
	)
	markUsage(cmd)
	return cmd
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

package main

import (
	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/app"
)

func newSigningConfigCmd(f *factory) *cobra.Command {
	cmd := &cobra.Command{Use: "signing-config", Short: "The file that tells signers where to go", RunE: help}
	cmd.AddCommand(
		newBuildCmd(f, app.SigningConfigFile, "Write "+app.SigningConfigFile+" from ledger and plan", (*app.Directory).BuildSigningConfig),
		newLintCmd(f, lintSigningConfig, runLint),
	)
	return cmd
}

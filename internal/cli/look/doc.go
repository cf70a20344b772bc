// Package look holds the commands that read files and judge them. They need no
// network.
package look

import (
	"context"
	"crypto"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/trustedroot"
)

// Commands are the commands of this package.
func Commands(f *cmdutil.Factory, online Online) []cmdutil.Group {
	return []cmdutil.Group{
		cmdutil.Under("ledger", newLedgerShowCmd(f), newLedgerVerifyCmd(f, online)),
		cmdutil.Under("log", newLogKeyCmd(f, online)),
		cmdutil.Under("trusted-root",
			newLintCmd(f, lintTrustedRoot, online),
			newTrustedRootDiffCmd(f),
			newTrustedRootShowCmd(f),
		),
		cmdutil.Under("signing-config", newLintCmd(f, lintSigningConfig, online)),
	}
}

// Online is what these commands can do besides where there is a network.
type Online struct {
	// Derived compares what is published with what ledger and plan make.
	Derived func(d *trustdir.Dir) error
	// Key reads a public key in KMS by its reference.
	Key func(ctx context.Context, f *cmdutil.Factory, reference string) (crypto.PublicKey, error)
	// Judge is the client that judges a file after the linter's rules.
	Judge trustedroot.Judge
}

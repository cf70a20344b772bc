// Package token holds the commands that work with a YubiKey's PIV application.
// They need no network.
package token

import (
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
)

// Commands are the commands of this package.
func Commands(f *cmdutil.Factory) []cmdutil.Group {
	return []cmdutil.Group{
		cmdutil.Under("token",
			newTokenListCmd(f),
			newTokenInfoCmd(f),
			newTokenProvisionCmd(f),
			newTokenGenerateCmd(f),
			newTokenImportCmd(f, runTokenImport),
			newTokenSignTestCmd(f),
			newTokenAttestCmd(f),
			newTokenInspectCmd(f),
			newTokenVerifyAttestationCmd(f),
			newTokenUnblockCmd(f),
			newTokenChangeCmd(f, "PIN", "change-pin"),
			newTokenChangeCmd(f, "PUK", "change-puk"),
			newTokenProtectCmd(f),
			newTokenRetriesCmd(f),
			newTokenAdoptCmd(f),
			newTokenResetCmd(f),
		),
	}
}

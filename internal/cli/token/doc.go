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
			newTokenListCmd(f, runTokenList),
			newTokenInfoCmd(f, runTokenInfo),
			newTokenProvisionCmd(f, runTokenProvision),
			newTokenGenerateCmd(f, runTokenGenerate),
			newTokenImportCmd(f, runTokenImport),
			newTokenSignTestCmd(f, runTokenSignTest),
			newTokenAttestCmd(f, runTokenAttest),
			newTokenInspectCmd(f, runTokenInspect),
			newTokenVerifyAttestationCmd(f, runTokenVerifyAttestation),
			newTokenUnblockCmd(f, runTokenUnblock),
			newTokenChangeCmd(f, "PIN", "change-pin", runTokenChange),
			newTokenChangeCmd(f, "PUK", "change-puk", runTokenChange),
			newTokenProtectCmd(f, runTokenProtect),
			newTokenRetriesCmd(f, runTokenRetries),
			newTokenAdoptCmd(f, runTokenAdopt),
			newTokenResetCmd(f, runTokenReset),
		),
	}
}

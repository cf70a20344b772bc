// Package publish holds the commands that make, stage and publish what verifiers
// fetch.
package publish

import (
	"github.com/linnemanlabs/trustroot/internal/app"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
)

// Commands are the commands of this package.
func Commands(f *cmdutil.Factory) []cmdutil.Group {
	return []cmdutil.Group{
		cmdutil.Under("trusted-root",
			newBuildCmd(f, app.TrustedRootFile, "Write "+app.TrustedRootFile+" from ledger and plan, and what is served beside it", (*app.Directory).BuildTrustedRoot),
			newTrustedRootCheckCmd(f, runTrustedRootCheck),
		),
		cmdutil.Under("signing-config", newBuildCmd(f, app.SigningConfigFile, "Write "+app.SigningConfigFile+" from ledger and plan", (*app.Directory).BuildSigningConfig)),
		cmdutil.Under("tuf",
			newTUFInviteCmd(f, runTUFInvite),
			newTUFInitCmd(f, runTUFInit),
			newTUFStageCmd(f, runTUFStage),
			newTUFMergeCmd(f, runTUFMerge),
			newTUFPublishCmd(f, runTUFPublish),
			newTUFRefreshCmd(f, runTUFRefresh),
			newTUFVerifyCmd(f, runTUFVerify),
		),
	}
}

// Package publish holds the commands that make, stage and publish what verifiers
// fetch.
package publish

import (
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/publish"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
)

// Commands are the commands of this package.
func Commands(f *cmdutil.Factory) []cmdutil.Group {
	return []cmdutil.Group{
		cmdutil.Under("trusted-root",
			newBuildCmd(f, trustdir.TrustedRootFile, "Write "+trustdir.TrustedRootFile+" from ledger and plan, and what is served beside it", publish.TrustedRoot),
			newTrustedRootCheckCmd(f),
		),
		cmdutil.Under("signing-config", newBuildCmd(f, trustdir.SigningConfigFile, "Write "+trustdir.SigningConfigFile+" from ledger and plan", publish.SigningConfig)),
		cmdutil.Under("trust", newRenderCmd(f)),
		cmdutil.Under("tuf",
			newTUFBundleCmd(f),
			newTUFInviteCmd(f),
			newTUFInitCmd(f),
			newTUFStageCmd(f),
			newTUFMergeCmd(f),
			newTUFPublishCmd(f),
			newTUFRefreshCmd(f),
			newTUFVerifyCmd(f),
		),
	}
}

// Package prepare holds the commands that prepare a ceremony on the admin host:
// keys in KMS, logs and requests.
package prepare

import (
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
)

// Commands are the commands of this package.
func Commands(f *cmdutil.Factory) []cmdutil.Group {
	return []cmdutil.Group{
		cmdutil.Under("", newPrepareCmd(f)),
		cmdutil.Under("kms",
			newKMSListCmd(f),
			newKMSCreateCmd(f),
			newKMSPolicyCmd(f),
			newKMSCSRCmd(f),
			newKMSExportCmd(f),
		),
		cmdutil.Under("request", newRequestCreateCmd(f), newRequestKeyCmd(f)),
		cmdutil.Under("log", newLogAddCmd(f)),
	}
}

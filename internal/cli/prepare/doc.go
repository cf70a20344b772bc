// Package prepare holds the commands that prepare a ceremony on the admin host:
// keys in KMS, logs and requests.
package prepare

import (
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
)

// Commands are the commands of this package.
func Commands(f *cmdutil.Factory) []cmdutil.Group {
	return []cmdutil.Group{
		cmdutil.Under("", newPrepareCmd(f, runPrepare)),
		cmdutil.Under("kms",
			newKMSListCmd(f, runKMSList),
			newKMSCreateCmd(f, runKMSCreate),
			newKMSPolicyCmd(f, runKMSPolicy),
			newKMSCSRCmd(f, runKMSCSR),
			newKMSExportCmd(f, runKMSExport),
		),
		cmdutil.Under("request", newRequestCreateCmd(f, runRequestCreate), newRequestKeyCmd(f, runRequestKey)),
		cmdutil.Under("log", newLogAddCmd(f, runLogAdd)),
	}
}

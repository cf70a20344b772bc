// Package ceremony holds the commands of the ceremony host and of those who
// verify its records. They need no network.
package ceremony

import (
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
)

// Commands are the commands of this package.
func Commands(f *cmdutil.Factory) []cmdutil.Group {
	return []cmdutil.Group{
		cmdutil.Under("request", newRequestShowCmd(f)),
		cmdutil.Under("ceremony",
			newCeremonyScriptCmd(f),
			newCeremonyRunCmd(f),
			newCeremonyVerifyCmd(f),
			newCeremonyReportCmd(f),
			newCeremonyWitnessCmd(f),
		),
	}
}

// Package begin holds the commands that begin a trust directory and check its
// plan.
package begin

import (
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
)

// Commands are the commands of this package.
func Commands(f *cmdutil.Factory) []cmdutil.Group {
	return []cmdutil.Group{
		cmdutil.Under("", newInitCmd(f, runInit), newAdoptCmd(f, runAdopt)),
		cmdutil.Under("plan", newPlanCheckCmd(f, runPlanCheck), newPlanSchemaCmd(f)),
	}
}

// Package holder holds the commands of those who sign the repository with a
// token of their own. They need no network.
package holder

import (
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
)

// Commands are the commands of this package.
func Commands(f *cmdutil.Factory) []cmdutil.Group {
	return []cmdutil.Group{
		cmdutil.Under("tuf", newTUFJoinCmd(f, runTUFJoin), newTUFSignCmd(f, runTUFSign)),
	}
}

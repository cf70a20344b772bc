// Package rehearse holds the commands that play the days with virtual tokens
// and a stand-in for KMS.
package rehearse

import (
	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
)

// Commands are the commands of this package.
func Commands(f *cmdutil.Factory, tree func(*cmdutil.Factory) *cobra.Command) []cmdutil.Group {
	return []cmdutil.Group{
		cmdutil.Under("", newRehearseCmd(f, tree)),
		cmdutil.Under("token", newTokenVirtualCmd(f)),
	}
}

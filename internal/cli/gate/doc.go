// Package gate holds the command that decides whether an artifact may run.
package gate

import (
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
)

// Commands are the commands of this package.
func Commands(f *cmdutil.Factory) []cmdutil.Group {
	return []cmdutil.Group{
		cmdutil.Under("", newVerifyCmd(f)),
	}
}

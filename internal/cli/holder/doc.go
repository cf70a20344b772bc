// Package holder holds the commands of those who sign the repository with a
// token of their own. They need no network.
package holder

import (
	"time"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/pki/tuf"
)

// Derived compares a staged change with what the trust directory dir makes, if
// there is one. A program that cannot derive it has none.
type Derived func(dir string, s *tuf.Staged, now time.Time) error

// Commands are the commands of this package.
func Commands(f *cmdutil.Factory, derived Derived) []cmdutil.Group {
	return []cmdutil.Group{
		cmdutil.Under("tuf", newTUFJoinCmd(f), newTUFSignCmd(f, derived)),
	}
}

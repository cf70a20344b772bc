package overview

import (
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/publish"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
)

// Rebuilt writes trust/ anew after an entry of the ledger, where ledger and
// plan are whole enough, and says what changed. The entry stands whatever
// becomes of the files.
func Rebuilt(f *cmdutil.Factory) {
	d, err := trustdir.Open(f.Dir)
	var changed []string
	if err == nil {
		changed, err = publish.Rebuild(d)
	}
	for _, name := range changed {
		f.Progress("wrote %s", name)
	}
	if err != nil {
		f.Progress("trust/ is not built yet: %v", err)
	}
}

// Command trustroot makes, renews and publishes the trust root of a
// self-hosted Sigstore.
package main

import (
	"os"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/programs"
	_ "github.com/linnemanlabs/trustroot/internal/heap"  // before the libraries
	_ "github.com/linnemanlabs/trustroot/internal/stack" // before all that has imports
)

func main() { os.Exit(cmdutil.Main(programs.Trustroot)) }

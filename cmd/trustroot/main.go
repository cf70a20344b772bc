// Command trustroot makes, renews and publishes the trust root of a
// self-hosted Sigstore.
package main

import (
	"os"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/programs"
)

func main() { os.Exit(cmdutil.Main(programs.Trustroot)) }

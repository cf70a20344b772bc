// Command trustroot-offline holds ceremonies and signs with a YubiKey. It
// links no client of any network service.
package main

import (
	"os"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/programs/offline"
)

func main() { os.Exit(cmdutil.Main(offline.Program)) }

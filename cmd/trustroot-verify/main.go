// Command trustroot-verify is the deploy gate alone, for machine images.
package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/gate"
)

func main() { os.Exit(cmdutil.Main(program)) }

func program(f *cmdutil.Factory) *cobra.Command {
	return cmdutil.NewRoot(f, "trustroot-verify", "Decide whether an artifact may run", gate.Commands(f))
}

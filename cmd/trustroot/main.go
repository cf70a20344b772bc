// Command trustroot makes, renews and publishes the trust root of a
// self-hosted Sigstore.
package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/begin"
	"github.com/linnemanlabs/trustroot/internal/cli/ceremony"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/gate"
	"github.com/linnemanlabs/trustroot/internal/cli/holder"
	"github.com/linnemanlabs/trustroot/internal/cli/look"
	"github.com/linnemanlabs/trustroot/internal/cli/prepare"
	"github.com/linnemanlabs/trustroot/internal/cli/publish"
	"github.com/linnemanlabs/trustroot/internal/cli/rehearse"
	"github.com/linnemanlabs/trustroot/internal/cli/run"
	"github.com/linnemanlabs/trustroot/internal/cli/token"
	_ "github.com/linnemanlabs/trustroot/internal/heap"  // before the libraries
	_ "github.com/linnemanlabs/trustroot/internal/stack" // before all that has imports
)

func main() { os.Exit(cmdutil.Main(tree)) }

// tree is every command.
func tree(f *cmdutil.Factory) *cobra.Command {
	return cmdutil.NewRoot(f, "trustroot", "Make, renew and publish the trust root of a self-hosted Sigstore",
		begin.Commands(f),
		prepare.Commands(f),
		ceremony.Commands(f),
		token.Commands(f),
		publish.Commands(f),
		holder.Commands(f),
		run.Commands(f),
		look.Commands(f, look.Online{Key: prepare.KeyInKMS}),
		gate.Commands(f),
		rehearse.Commands(f, tree),
	)
}

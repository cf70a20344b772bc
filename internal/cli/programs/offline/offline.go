// Package offline holds the command tree of trustroot-offline. It is a package
// of its own so that the program links nothing of the other.
package offline

import (
	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/ceremony"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/holder"
	"github.com/linnemanlabs/trustroot/internal/cli/look"
	"github.com/linnemanlabs/trustroot/internal/cli/token"
)

// Program is every command that needs no network: the program that is carried
// to the ceremony host, and that holders use.
func Program(f *cmdutil.Factory) *cobra.Command {
	f.Confined = true
	return cmdutil.NewRoot(f, "trustroot-offline", "Hold ceremonies and sign with a YubiKey, without a network",
		ceremony.Commands(f),
		token.Commands(f),
		holder.Commands(f, nil),
		look.Commands(f, look.Online{}),
	)
}

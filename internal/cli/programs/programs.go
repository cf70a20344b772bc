// Package programs holds the command tree of trustroot, so that the program,
// its manual pages and its reference are made from one tree.
package programs

import (
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
	derive "github.com/linnemanlabs/trustroot/internal/publish"
	"github.com/linnemanlabs/trustroot/pki/trustedroot/judge"
)

// Trustroot is every command: the program of the admin host.
func Trustroot(f *cmdutil.Factory) *cobra.Command {
	return cmdutil.NewRoot(f, "trustroot", "Make, renew and publish the trust root of a self-hosted Sigstore",
		begin.Commands(f),
		prepare.Commands(f),
		ceremony.Commands(f),
		token.Commands(f),
		publish.Commands(f),
		holder.Commands(f, derive.CheckHere),
		run.Commands(f),
		look.Commands(f, look.Online{Key: prepare.KeyInKMS, Judge: judge.SigstoreGo{}, Derived: derive.CheckDerived}),
		gate.Commands(f),
		rehearse.Commands(f, Trustroot),
	)
}

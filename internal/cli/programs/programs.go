// Package programs holds the command tree of trustroot, so that the program,
// its manual pages and its reference are made from one tree.
package programs

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/begin"
	"github.com/linnemanlabs/trustroot/internal/cli/ceremony"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/gate"
	"github.com/linnemanlabs/trustroot/internal/cli/holder"
	"github.com/linnemanlabs/trustroot/internal/cli/look"
	"github.com/linnemanlabs/trustroot/internal/cli/overview"
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
	root := cmdutil.NewRoot(f, "trustroot", "Make, renew and publish the trust root of a self-hosted Sigstore",
		begin.Commands(f, rehearse.Practice),
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
	root.PersistentPostRun = func(c *cobra.Command, _ []string) {
		if slices.Contains(moves, strings.TrimPrefix(c.CommandPath(), root.Name()+" ")) {
			overview.Next(c.Context(), f)
		}
	}
	return root
}

// moves are the commands after which something else waits: each ends with it.
var moves = []string{
	"adopt", "ceremony accept", "ceremony anchor", "compromise", "cutover", "init", "kms create", "kms csr", "kms export",
	"kms list", "log add", "plan check", "prepare", "promote", "renew", "request create", "retire", "signing-config build", "trusted-root build",
	"tuf init", "tuf invite", "tuf join", "tuf merge", "tuf publish", "tuf sign", "tuf stage",
}

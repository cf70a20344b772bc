package run

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/overview"
	"github.com/linnemanlabs/trustroot/internal/exchange"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/lint"
)

type ceremonyAcceptOptions struct {
	*cmdutil.Factory
	record         string
	rehearsal      bool
	withoutSession bool
}

func newCeremonyAcceptCmd(f *cmdutil.Factory) *cobra.Command {
	o := &ceremonyAcceptOptions{Factory: f}
	cmd := cmdutil.Command(o, runCeremonyAccept, "accept RECORD",
		"Check a record and file it into the trust directory and the ledger",
		`Check a record and file it into the trust directory and the ledger, once. What
it changes for verifiers is staged for the holders to sign.

What is in session/ is filed too, up to 32 MiB: look it over first, since a
recording shows what was on the screen, and what was typed where it was shown.`, &o.record)
	cmd.Flags().BoolVar(&o.withoutSession, "without-session", false, "leave recordings and pictures of the session where they are")
	cmdutil.RehearsalFlag(cmd, &o.rehearsal)
	return cmd
}

func runCeremonyAccept(ctx context.Context, o *ceremonyAcceptOptions) error {
	d, err := trustdir.Open(o.Dir)
	if err != nil {
		return err
	}
	accepted, err := exchange.Accept(d, o.record, exchange.AcceptOptions{
		VerifyOptions:  ceremony.VerifyOptions{Linter: lint.New(), Rehearsal: o.rehearsal},
		WithoutSession: o.withoutSession,
	}, o.Now)
	if err != nil {
		return err
	}
	overview.Staged(ctx, o.Factory)
	var text strings.Builder
	for _, c := range accepted {
		term.Fprintf(&text, "%s g%d  serial %s  %s\n", c.Authority, c.Generation, c.Serial, c.File.Path)
	}
	return o.Print(accepted, text.String())
}

package run

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/ceremony/record"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/overview"
	"github.com/linnemanlabs/trustroot/internal/exchange"
	"github.com/linnemanlabs/trustroot/internal/services"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/anchor"
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

type ceremonyAnchorOptions struct {
	*cmdutil.Factory
	record    string
	tsa       string
	rekor     string
	rehearsal bool
}

func newCeremonyAnchorCmd(f *cmdutil.Factory) *cobra.Command {
	o := &ceremonyAnchorOptions{Factory: f}
	cmd := cmdutil.Command(o, runCeremonyAnchor, "anchor RECORD",
		"Have your timestamp authority and Rekor say that a record exists",
		`Have the plan's timestamp authority (RFC 3161) and Rekor v2 say that a record
exists: the first timestamps its statement, the second logs its signature. Both
answers go into a new folder under anchors/ in the record, when everything in
them has been checked; otherwise nothing is written. ceremony verify then proves
from the record alone when it existed.

Any later day adds another anchor. Nothing but digests, the record key's
signature and its public key leaves this machine.`, &o.record)
	cmd.Flags().StringVar(&o.tsa, "tsa", "", "endpoint of the timestamp authority, in place of the plan's address")
	cmd.Flags().StringVar(&o.rekor, "rekor", "", "base URL of Rekor v2, in place of the plan's address")
	cmdutil.RehearsalFlag(cmd, &o.rehearsal)
	return cmd
}

func runCeremonyAnchor(ctx context.Context, o *ceremonyAnchorOptions) error {
	d, err := trustdir.Open(o.Dir)
	if err != nil {
		return err
	}
	v, err := ceremony.Verify(o.record, ceremony.VerifyOptions{Linter: lint.New(), Rehearsal: o.rehearsal})
	if err != nil {
		return err
	}
	if err := v.Record.RoomForAnchor(); err != nil {
		return err
	}
	subject, err := v.AnchorSubject()
	if err != nil {
		return err
	}
	source := services.Source{Plan: d.Plan, State: d.State, Files: d.FS(), Now: o.Now}
	where, err := source.Anchorage(o.tsa, o.rekor)
	if err != nil {
		return err
	}
	where.Say = o.Progress
	for _, a := range v.Anchors {
		o.Progress("anchored already: it existed on or before %s, by %s", a.Time.Format(time.RFC3339), a.TSA)
		where.Known = append(where.Known, a.Entry)
	}
	files, made, err := where.Anchor(ctx, subject)
	if err != nil {
		return err
	}
	if err := record.AddAnchor(o.record, made.Name, files); err != nil {
		return err
	}
	return o.print(made)
}

func (o *ceremonyAnchorOptions) print(a *anchor.Anchor) error {
	return o.Print(a, fmt.Sprintf("%s\n  existed on or before %s, by %s\n  entry %d of the log %s\n",
		filepath.Join(o.record, record.AnchorsDir, a.Name), a.Time.Format(time.RFC3339), a.TSA, a.Index, a.Origin))
}

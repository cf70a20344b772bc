package run

import (
	"context"
	"errors"
	"path"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/overview"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/publish"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/ledger"
)

type incidentOptions struct {
	*cmdutil.Factory
	of, reason string
}

func newLedgerAdoptCmd(f *cmdutil.Factory) *cobra.Command {
	o := &incidentOptions{Factory: f}
	cmd := cmdutil.Command(o, runLedgerAdopt, "adopt",
		"Keep published entries that the ledger does not know",
		`Take entries of the published trusted_root.json into the ledger that it does not
know, with the reason. They are published on as they are. To take them back
instead, stage a change with `+"`trustroot tuf stage targets --withdraw REASON`"+`.`)
	cmd.Flags().StringVar(&o.reason, "reason", "", "how they came to be published, and why they stay")
	return cmd
}

func runLedgerAdopt(_ context.Context, o *incidentOptions) error {
	if o.reason == "" {
		return cmdutil.Usage("say with --reason how they came to be published, and why they stay", "--reason is missing")
	}
	d, err := trustdir.Open(o.Dir)
	if err != nil {
		return err
	}
	unknown, err := publish.FindUnknown(d)
	if err != nil {
		return err
	}
	if unknown == nil {
		return cmdutil.Usage("`trustroot ledger verify` says what differs", "tuf/ publishes no entry that the ledger does not know; nothing was recorded")
	}
	text := "Verifiers trust these, and the ledger does not know them:\n  " + strings.Join(unknown.Words, "\n  ") + "\nThey stay, because: " + o.reason
	if err := o.Operator.Confirm(term.Question{Text: text, Yes: "the ledger takes them in and never forgets it", No: "nothing is recorded", Type: "adopt"}); err != nil {
		return err
	}
	if err := unknown.Adopt(d, o.reason, o.Now); err != nil {
		return err
	}
	o.Progress("the ledger knows them now; the next change that holders sign carries its head")
	overview.Rebuilt(o.Factory)
	return nil
}

func newLedgerGiveUpCmd(f *cmdutil.Factory) *cobra.Command {
	o := &incidentOptions{Factory: f}
	cmd := cmdutil.Command(o, runLedgerGiveUp, "give-up FOLDER|HEAD",
		"Record that a discarded branch's or request's head is looked for no more",
		`Record in the ledger that nobody looks for a head any more that it lacks: of a
staged change or a record of a discarded branch (FOLDER, such as staged/0007), or
of a request that was thrown away (HEAD, from its paper). A head that is
published, or of an accepted record, is never given up, and a token that saw it
does not forget it.`, &o.of)
	cmd.Flags().StringVar(&o.reason, "reason", "", "why it was discarded")
	return cmd
}

func runLedgerGiveUp(_ context.Context, o *incidentOptions) error {
	if o.reason == "" {
		return cmdutil.Usage("say with --reason why it was discarded", "--reason is missing")
	}
	d, err := trustdir.OpenToVerify(o.Dir)
	if err != nil {
		return err
	}
	g := ledger.GivenUp{Head: strings.ToLower(strings.Join(strings.Fields(o.of), "")), Of: "paper", Reason: o.reason}
	if len(g.Head) != 64 || strings.Contains(g.Head, "/") {
		var name string
		g.Of = path.Clean(strings.TrimPrefix(o.of, "./"))
		if g.Head, name, err = d.HeadOf(g.Of); err != nil {
			return err
		}
		if err := d.MayGiveUp(name); err != nil {
			return err
		}
	}
	if d.Ledger.CheckHead(g.Head) == nil {
		return cmdutil.Usage("nothing needs to be done", "head %.16s is a line of the ledger; nothing was recorded", g.Head)
	}
	if was, up := d.State.GivenUp[g.Head]; up {
		o.Progress("head %.16s is given up already: %s", g.Head, was.Reason)
		return nil
	}
	text := term.Sprintf("The ledger has no line of the hash %s, which %s carries: it was cut or rewritten since, or that was of another branch.\nIt is looked for no more, because: %s", g.Head, g.Of, o.reason)
	if err := o.Operator.Confirm(term.Question{Text: text, Yes: "the ledger records it and never forgets it", No: "nothing is recorded", Type: "give up"}); err != nil {
		return err
	}
	if err := d.Append(o.Now, ledger.Entry{GivenUp: &g}); err != nil {
		return err
	}
	if _, err := trustdir.Open(o.Dir); err != nil { // others are not there either
		return fault.New(fault.Verification, "", errors.Join(errors.New("it is given up, and others are missing too"), err))
	}
	overview.Rebuilt(o.Factory)
	return nil
}

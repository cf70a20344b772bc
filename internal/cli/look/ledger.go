package look

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/ledger"
)

type ledgerOptions struct {
	*cmdutil.Factory
	heads  []string
	online Online
}

func newLedgerShowCmd(f *cmdutil.Factory) *cobra.Command {
	o := &ledgerOptions{Factory: f}
	return cmdutil.Command(o, runLedgerShow, "show", "Print the ledger's lines", "")
}

func newLedgerVerifyCmd(f *cmdutil.Factory, online Online) *cobra.Command {
	o := &ledgerOptions{Factory: f, online: online}
	cmd := cmdutil.Command(o, runLedgerVerify, "verify",
		"Check the ledger's chain, every file that it speaks of, and every head kept elsewhere",
		`Check the ledger's chain and every file that it speaks of. Then look for the
ledger's heads that requests, records and the staged and published repository
carry: a ledger that was cut or rewritten no longer has them. --head takes one
from elsewhere, such as the paper of a ceremony. What stands in trust/ and what
tuf/ publishes must be what ledger and plan make.`)
	cmd.Flags().StringArrayVar(&o.heads, "head", nil, "a head that must be a line of the ledger (hex SHA-256)")
	return cmd
}

func runLedgerShow(_ context.Context, o *ledgerOptions) error {
	l, err := readLedger(o.Factory)
	if err != nil {
		return err
	}
	if _, err := trustdir.Open(o.Dir); err != nil {
		return err
	}
	return o.Print(l.Entries(), cmdutil.Table(func(w *tabwriter.Writer) {
		for _, e := range l.Entries() {
			term.Fprintf(w, "%d\t%s\t%s\t%s\n", e.Seq, e.Time.Format("2006-01-02 15:04"), e.Type, e.Summary())
		}
	}))
}

func runLedgerVerify(_ context.Context, o *ledgerOptions) error {
	l, err := readLedger(o.Factory)
	if err != nil {
		return err
	}
	d, err := trustdir.OpenToVerify(o.Dir)
	if err != nil {
		return err
	}
	if err := l.VerifyFiles(d.FS()); err != nil {
		return err
	}
	kept, err := d.Heads()
	errs := []error{err}
	for _, head := range o.heads {
		head = strings.ToLower(strings.Join(strings.Fields(head), ""))
		if g, up := d.State.GivenUp[head]; up {
			o.Progress("head %.16s is of %s, which was given up: %s", head, g.Of, g.Reason)
			continue
		}
		errs = append(errs, d.Ledger.CheckHead(head))
	}
	if err := errors.Join(errs...); err != nil {
		return fault.New(fault.Verification,
			"restore the ledger from version control, or from the newest record or published target; where a folder named above is of a branch or a request that was discarded, give it up: `trustroot ledger give-up FOLDER --reason REASON`", err)
	}
	if o.online.Derived != nil {
		if err := o.online.Derived(d); err != nil {
			return err
		}
	}
	s := l.State()
	o.Progress("the ledger's %d lines and all files that they speak of hold, and %d heads kept elsewhere are among them; head %s", s.Entries, kept+len(o.heads), s.Head)
	return nil
}

func readLedger(f *cmdutil.Factory) (*ledger.Ledger, error) {
	l, err := ledger.Read(filepath.Join(f.Dir, trustdir.LedgerFile))
	if err != nil {
		return nil, err
	}
	if torn := l.Torn(); len(torn) > 0 {
		f.Progress("the ledger's last line was cut short by a crash (%d bytes) and does not count; the next entry removes it", len(torn))
	}
	return l, nil
}

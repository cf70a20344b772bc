package run

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/overview"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/publish"
	"github.com/linnemanlabs/trustroot/internal/renewal"
	"github.com/linnemanlabs/trustroot/internal/services"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/tuf"
)

type cutoverOptions struct {
	*cmdutil.Factory
	names       []string
	at          string
	urgent      bool
	unpublished string
}

func newCutoverCmd(f *cmdutil.Factory) *cobra.Command {
	o := &cutoverOptions{Factory: f}
	cmd := cmdutil.CommandOfMany(o, runCutover, "cutover NAME...",
		"Record when services were seen to use their new key, and close the old windows",
		`Record when services were seen to use their newest generation, and close the
windows of the older ones at that time. Several names are one recorded step. The
change is staged for the holders to sign.

What the old key signed until then stays valid, so give the time at which the
last service switched, never the new certificate's notBefore.

The new generation must be published in every place of the plan, for as long as
a verifier may live on what it fetched before. --urgent leaves out that wait,
--unpublished both, with a reason that the ledger keeps.`, 1, &o.names)
	cmd.Flags().StringVar(&o.at, "at", "", "when the switch was seen (RFC 3339)")
	cmd.Flags().BoolVar(&o.urgent, "urgent", false, "record a published generation before every verifier must have fetched it")
	cmd.Flags().StringVar(&o.unpublished, "unpublished", "", "record it though it is not published everywhere, and why")
	return cmd
}

func runCutover(ctx context.Context, o *cutoverOptions) error {
	at, err := cmdutil.Required("--at", o.at)
	if err != nil {
		return err
	}
	d, err := trustdir.Open(o.Dir)
	if err != nil {
		return err
	}
	if err := renewal.CheckCutover(d, o.names, at, o.Now); err != nil {
		return err
	}
	if c := renewal.Recorded(d, o.names, at); c != nil {
		o.Progress("this cutover is recorded already")
		return printClosing(ctx, o.Factory, c)
	}
	entry := ledger.Cutover{Names: o.names, At: at, Urgent: o.urgent, Unpublished: o.unpublished}
	text := term.Sprintf("Services were seen to use the newest generation of %s at %s.\nVerifiers refuse what older generations sign after that. The ledger never forgets it.", strings.Join(o.names, ", "), cmdutil.Stamp(at))
	if o.unpublished == "" {
		early, err := o.reached(ctx, d)
		if err != nil {
			return fault.New(fault.Verification, "publish it everywhere first, and wait; --urgent leaves out the wait, --unpublished REASON everything; nothing was recorded", err)
		}
		if !early.IsZero() {
			text += term.Sprintf("\nUntil %s a verifier may be behind and refuse what the new one signs.", cmdutil.Stamp(early))
		}
	} else {
		text += "\nThe new generation is not known to be published, because: " + o.unpublished
	}
	if err := o.Operator.Confirm(term.Question{Text: text, Yes: "the windows of the older generations are closed", No: "nothing is recorded", Type: "cutover"}); err != nil {
		return err
	}
	c, err := renewal.Cutover(d, entry, o.Now)
	if err != nil {
		return err
	}
	return printClosing(ctx, o.Factory, c)
}

// printClosing stages what an entry of the ledger changed, and prints it.
func printClosing(ctx context.Context, f *cmdutil.Factory, c *renewal.Closing) error {
	if c.Staged = overview.Staged(ctx, f); c.Staged != "" {
		c.Next = append(c.Next, "have the holders sign "+c.Staged+", and publish it: trustroot tuf publish "+c.Staged)
	}
	var b strings.Builder
	for _, w := range c.Closed {
		term.Fprintf(&b, "%s g%d is closed: verifiers accept what it signed until %s, included\n", w.Name, w.Generation, cmdutil.Stamp(w.End))
		if w.Newer > 0 {
			term.Fprintf(&b, "    in use now: g%d\n", w.Newer)
		}
		if w.Honours != "" {
			term.Fprintf(&b, "    %s\n", w.Honours)
		}
	}
	if len(c.Next) > 0 {
		b.WriteString("next:\n")
	}
	for i, step := range c.Next {
		term.Fprintf(&b, "  %d. %s\n", i+1, step)
	}
	return f.Print(c, b.String())
}

// reached refuses a generation that is not published in every place, or not
// for long enough, and returns until when a verifier may be behind.
func (o *cutoverOptions) reached(ctx context.Context, d *trustdir.Dir) (time.Time, error) {
	var early time.Time
	var errs []error
	source := services.Source{Plan: d.Plan, State: d.State, Files: d.FS(), Now: o.Now, Urgent: o.urgent}
	var err error
	if source.Published, err = publication(o.Factory, ctx, d); err != nil {
		return early, err
	}
	for _, name := range o.names {
		generations := d.State.Authorities[name]
		if len(generations) == 0 {
			generations = d.State.Logs[name]
		}
		until, err := source.Reached(*ledger.Newest(generations))
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
		if until.After(early) {
			early = until
		}
	}
	places, err := publish.Places(d, ctx)
	errs = append(errs, err)
	for _, place := range places {
		if place.State != tuf.Current {
			errs = append(errs, fmt.Errorf("%s is %s: %s", place.Place, place.State, place.Text))
		}
	}
	return early, errors.Join(errs...)
}

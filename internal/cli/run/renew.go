package run

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/renewal"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

type renewOptions struct {
	*cmdutil.Factory
	renewal.Options
	day   string
	start string
	write bool
}

func newRenewCmd(f *cmdutil.Factory) *cobra.Command {
	o := &renewOptions{Factory: f}
	cmd := cmdutil.CommandOfMany(o, runRenew, "renew NAME...",
		"Plan the next generation of an authority, log or application",
		`Plan the next generation of an authority, log or application: show the lines
that the plan gets, how long the old and the new certificate overlap, and every
field in which they differ. --write adds the lines; nothing else in the plan
changes, comments included.`, 1, &o.Names)
	cmd.Flags().BoolVar(&o.NewKey, "new-key", false, "certify a new key; without it the key stays")
	cmd.Flags().StringVar(&o.Ceremony, "ceremony", "", "ceremony that issues the certificate")
	cmd.Flags().StringVar(&o.day, "day", "", "add that ceremony to the plan, on this day (2006-01-02, UTC)")
	cmd.Flags().Uint32Var(&o.Token, "token", 0, "serial number of the root's token in an added ceremony")
	cmd.Flags().StringVar(&o.start, "start", "", "first use of a log's new key (RFC 3339)")
	cmd.Flags().StringVar(&o.Key, "key", "", "ARN of the new key in KMS; may be filled in later")
	cmd.Flags().StringVar(&o.SPKI, "spki-sha256", "", "its pin, looked up by a second person")
	cmd.Flags().IntVar(&o.Root, "root", 0, "generation of the root that issues it")
	cmd.Flags().StringVar(&o.Subject, "common-name", "", "common name of a new root")
	cmd.Flags().BoolVar(&o.Standby, "standby", false, "a new root that nobody trusts until it is promoted")
	cmd.Flags().StringVar(&o.Origin, "origin", "", "origin of a log from this generation on")
	cmd.Flags().StringVar(&o.URL, "url", "", "URL of a log or service from this generation on")
	cmd.Flags().BoolVar(&o.write, "write", false, "write the lines into the plan")
	return cmd
}

func runRenew(_ context.Context, o *renewOptions) error {
	var err error
	if o.day != "" {
		if o.Day, err = time.Parse(time.DateOnly, o.day); err != nil {
			return cmdutil.Usage("write it like 2029-04-01", "--day %q is not a day", o.day)
		}
	}
	if o.Start, err = cmdutil.Instant("--start", o.start, time.Time{}); err != nil {
		return err
	}
	d, err := trustdir.Open(o.Dir)
	if err != nil {
		return err
	}
	r, err := renewal.Renew(d, o.Options)
	if err != nil {
		return err
	}
	if err := o.Print(r, renewalsText(r)); err != nil {
		return err
	}
	if !o.write {
		o.Progress("nothing was written: run it again with --write to add these lines to %s", trustdir.PlanFile)
		return nil
	}
	if err := renewal.WritePlan(d, r.Plan); err != nil {
		return err
	}
	o.Progress("%s is written; review it in version control, then export keys and requests and hold the ceremony", trustdir.PlanFile)
	return nil
}

func renewalsText(r *renewal.Renewals) string {
	var b strings.Builder
	if r.Ceremony != nil {
		b.WriteString(addedLines(r.Ceremony.After, r.Ceremony.Text))
	}
	for _, n := range r.Renewals {
		b.WriteString(addedLines(n.Insertion.After, n.Insertion.Text))
	}
	for _, n := range r.Renewals {
		term.Fprintf(&b, "\n%s g%d after g%d: %s\n", n.Name, n.Generation, n.Generation-1, n.Summary)
		if n.Overlap != nil {
			b.WriteString(overlapText(*n.Overlap, n.Name == plan.RootAuthority))
		}
		b.WriteString(cmdutil.Table(func(w *tabwriter.Writer) {
			for _, d := range n.Diff {
				term.Fprintf(w, "    %s\twas\t%s\n\tis\t%s\n", d.Field, cmp.Or(d.Old, "none"), cmp.Or(d.New, "none"))
			}
		}))
	}
	return b.String()
}

func overlapText(o renewal.Overlap, root bool) string {
	if o.To.Before(o.From) {
		return fmt.Sprintf("    no overlap: the old certificate ends %s, before the new one begins %s\n", cmdutil.Stamp(o.To), cmdutil.Stamp(o.From))
	}
	if root { // roots are not cut over
		return fmt.Sprintf("    both can issue from %s to %s, %d days: publish the new one before anything is issued under it\n", cmdutil.Stamp(o.From), cmdutil.Stamp(o.To), o.Days())
	}
	return fmt.Sprintf("    both are valid from %s to %s, %d days: publish the new one and cut over within them\n", cmdutil.Stamp(o.From), cmdutil.Stamp(o.To), o.Days())
}

func addedLines(after int, text string) string {
	var b strings.Builder
	term.Fprintf(&b, "%s, after line %d:\n", trustdir.PlanFile, after)
	for line := range strings.Lines(text) {
		b.WriteString("+" + line)
	}
	return b.String()
}

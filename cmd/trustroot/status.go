package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/app"
	"github.com/linnemanlabs/trustroot/internal/fault"
)

type statusOptions struct {
	*factory
	within     string
	prometheus bool
}

func newStatusCmd(f *factory, run func(context.Context, *statusOptions) error) *cobra.Command {
	o := &statusOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Draw what exists, and everything that expires",
		Long: `Draw the PKI, the logs and the repository as a tree, then everything that
expires as one list and one calendar, and what else needs a look.

With --within the exit code is 6 when a certificate or a role that people sign
ends within that time, when its signing window is open, or when the online key
is a day late.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return run(c.Context(), o) },
	}
	cmd.Flags().StringVar(&o.within, "within", "", "exit with 6 when something is due within this time (90d, 36h)")
	cmd.Flags().BoolVar(&o.prometheus, "prometheus", false, "print metrics for the textfile collector")
	return cmd
}

func runStatus(ctx context.Context, o *statusOptions) error {
	within, err := span("--within", o.within)
	if err != nil {
		return err
	}
	if o.prometheus && o.json {
		return usage("choose one of them", "--prometheus and --json exclude each other")
	}
	d, err := app.Open(o.dir)
	if err != nil {
		return err
	}
	s, err := d.Status(ctx, o.now)
	if err != nil {
		return err
	}
	if o.prometheus {
		err = printText(o.out, s.Prometheus())
	} else {
		err = o.printStatus(d, s)
	}
	if err != nil || o.within == "" {
		return err
	}
	due := s.Due(within)
	if len(due) == 0 {
		return nil
	}
	var texts []string
	for _, i := range due {
		texts = append(texts, fmt.Sprintf("%s: end %s, %s", i.Title(), stamp(*i.Expires), i.Left(s.At)))
	}
	return fault.New(fault.Due, "renew it: "+due[0].Do, fmt.Errorf("%s", strings.Join(texts, "\n")))
}

// show prints the trust directory as it is.
func (f *factory) show(ctx context.Context) error {
	d, err := app.Open(f.dir)
	if err != nil {
		return err
	}
	s, err := d.Status(ctx, f.now)
	if err != nil {
		return err
	}
	return f.printStatus(d, s)
}

func (f *factory) printStatus(d *app.Directory, s *app.Status) error {
	if f.json {
		return printJSON(f.out, s)
	}
	return printText(f.out, d.Tree()+"\n"+expiriesText(s)+"\n"+s.Calendar(100)+"\n"+warningsText(s)+strings.Join(d.Places(), "\n")+"\n")
}

// expiriesText lists what expires, earliest first. What was replaced and has
// ended needs nobody any more and is left to the ledger.
func expiriesText(s *app.Status) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	past := 0
	for _, i := range s.Items {
		switch {
		case i.Expires == nil:
			continue
		case i.Replaced && i.Expires.Before(s.At):
			past++
			continue
		}
		note := strings.Join(i.Who, ", ")
		if i.SignFrom != nil {
			note = strings.TrimSpace("sign from " + i.SignFrom.Format(time.DateOnly) + "  " + note)
		}
		if i.Replaced {
			note = "replaced"
		}
		fmt.Fprintf(w, "expires %s\t%s\t%s\t%s\n", i.Expires.Format(time.DateOnly), i.Left(s.At), i.Title(), note)
	}
	if err := w.Flush(); err != nil {
		return "" // a strings.Builder takes everything
	}
	if past > 0 {
		fmt.Fprintf(&b, "and %d of earlier generations, which have ended\n", past)
	}
	return b.String()
}

func warningsText(s *app.Status) string {
	var b strings.Builder
	for _, w := range s.Warnings {
		fmt.Fprintf(&b, "warning: %s: %s\n         %s\n", w.Name, w.Text, w.Do)
	}
	if b.Len() > 0 {
		b.WriteByte('\n')
	}
	return b.String()
}

// span reads "90d" or what Go calls a duration; empty is zero.
func span(flag, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	if digits, ok := strings.CutSuffix(text, "d"); ok {
		if days, err := strconv.Atoi(digits); err == nil && days >= 0 && days <= 36525 {
			return time.Duration(days) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, usage("write it like 90d or 36h", "%s %q is no length of time", flag, text)
	}
	return d, nil
}

// Package overview prints a trust directory as it is.
package overview

import (
	"context"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/status"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
)

// Status prints the trust directory as it is.
func Status(ctx context.Context, f *cmdutil.Factory) error {
	d, err := trustdir.Open(f.Dir)
	if err != nil {
		return err
	}
	s, err := status.Read(d, ctx, f.Now)
	if err != nil {
		return err
	}
	return PrintStatus(f, d, s)
}

// PrintStatus prints what the status of a trust directory says.
func PrintStatus(f *cmdutil.Factory, d *trustdir.Dir, s *status.Status) error {
	if f.JSON {
		return cmdutil.PrintJSON(f.Out, s)
	}
	return cmdutil.PrintText(f.Out, status.Tree(d)+"\n"+expiriesText(s)+"\n"+s.Calendar(100)+"\n"+warningsText(s)+strings.Join(status.Places(d), "\n")+"\n")
}

// expiriesText lists what expires, earliest first. What was replaced and has
// ended needs nobody any more and is left to the ledger.
func expiriesText(s *status.Status) string {
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
		term.Fprintf(w, "expires %s\t%s\t%s\t%s\n", i.Expires.Format(time.DateOnly), i.Left(s.At), i.Title(), note)
	}
	if err := w.Flush(); err != nil {
		return "" // a strings.Builder takes everything
	}
	if past > 0 {
		term.Fprintf(&b, "and %d of earlier generations, which have ended\n", past)
	}
	return b.String()
}

func warningsText(s *status.Status) string {
	var b strings.Builder
	for _, w := range s.Warnings {
		term.Fprintf(&b, "warning: %s: %s\n         %s\n", w.Name, w.Text, w.Do)
	}
	if b.Len() > 0 {
		b.WriteByte('\n')
	}
	return b.String()
}

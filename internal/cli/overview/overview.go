// Package overview prints a trust directory as it is.
package overview

import (
	"context"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/next"
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
	return PrintStatus(ctx, f, d, s, false)
}

// PrintStatus prints what the status of a trust directory says, what waits
// first, in lines of the terminal's width. With details the tree says where
// keys and files are.
func PrintStatus(ctx context.Context, f *cmdutil.Factory, d *trustdir.Dir, s *status.Status, details bool) error {
	if f.JSON {
		return cmdutil.PrintJSON(f.Out, s)
	}
	waits, err := next.In(ctx, d, f.Now)
	if err != nil {
		return err
	}
	width := f.Columns()
	text := NextLine(waits, width) + "\n" + warningsText(s, width) + status.Tree(d, f.Now, details) + "\n" + expiriesText(s, width, details) + "\n" + s.Calendar(width)
	if !details {
		text += "\n`trustroot status --verbose` has keys, files and fingerprints.\n"
	}
	return cmdutil.PrintText(f.Out, text)
}

// expiriesText lists what expires, earliest first, and for whom. What was
// replaced needs nobody any more: it is left to the details, and what has ended
// to the ledger.
func expiriesText(s *status.Status, width int, details bool) string {
	rows := make([][3]string, 0, len(s.Items))
	past := 0
	for _, i := range s.Items {
		switch {
		case i.Expires == nil:
			continue
		case i.Replaced && !details || i.Replaced && i.Expires.Before(s.At):
			past++
			continue
		}
		note := ""
		if details { // the tree names the holders too
			note = strings.Join(i.Who, ", ")
		}
		if i.SignFrom != nil {
			note = strings.TrimSpace("sign from " + i.SignFrom.Format(time.DateOnly) + "  " + note)
		}
		if i.Replaced {
			note = "replaced"
		}
		rows = append(rows, [3]string{term.Sprintf("expires %s  %-13s", i.Expires.Format(time.DateOnly), i.Left(s.At)), i.Title(), note})
	}
	titles := 0
	for _, r := range rows {
		titles = max(titles, len(r[1]))
	}
	var b strings.Builder
	for _, r := range rows {
		term.Fprintf(&b, "%s\n", term.Text(term.Hang(strings.TrimRight(term.Sprintf("%s  %-*s  %s", term.Text(r[0]), titles, r[1], r[2]), " "), width, 4)))
	}
	if past > 0 {
		term.Fprintf(&b, "and %d of earlier generations, which need nobody\n", past)
	}
	return b.String()
}

func warningsText(s *status.Status, width int) string {
	var b strings.Builder
	for _, w := range s.Warnings {
		term.Fprintf(&b, "%s\n", term.Text(term.Hang(term.Sprintf("warning: %s: %s", w.Name, w.Text), width, 9)))
		term.Fprintf(&b, "%s\n", term.Text(term.Hang("         "+term.Escape(w.Do), width, 9)))
	}
	if b.Len() > 0 {
		b.WriteByte('\n')
	}
	return b.String()
}

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

// Next says on standard error what the trust directory waits for now. What
// keeps it from knowing is said by the command that the person types next.
func Next(ctx context.Context, f *cmdutil.Factory) {
	l, err := next.Of(ctx, f.Dir, f.Now)
	if err != nil {
		return
	}
	_ = cmdutil.PrintText(f.Err, "\n"+NextLine(l, f.Columns())) // progress only
}

// NextLine is the first open step of a list with its commands, or what comes
// when nothing waits.
func NextLine(l *next.List, width int) string {
	s, n := l.Open()
	if s == nil {
		return term.Hang(l.Quiet, width, 0) + "\n"
	}
	return stepText(term.Sprintf("Next (%s, step %d of %d): ", l.Title, n, len(l.Steps)), s, true, width, 2)
}

// stepText is a step in lines of at most width columns, but for its commands,
// which are copied whole. What is to be done now is one command where a larger
// one takes the step.
func stepText(mark string, s *next.Step, now bool, width, indent int) string {
	who := s.Who
	if s.Name != "" {
		who += " " + s.Name
	}
	var b strings.Builder
	term.Fprintf(&b, "%s\n", term.Text(term.Hang(mark+term.Sprintf("%s: %s", who, s.What), width, indent)))
	commands := s.Commands
	if now && s.Larger != "" {
		commands = []string{s.Larger}
	}
	for _, c := range commands {
		term.Fprintf(&b, "%*s%s\n", indent, "", c)
	}
	return b.String()
}

// Checklist is a list as a person ticks it off: done, to do now, and after that.
func Checklist(l *next.List, width int) string {
	open, at := l.Open()
	if open == nil {
		return term.Hang(l.Quiet, width, 0) + "\n"
	}
	var b strings.Builder
	term.Fprintf(&b, "%s: step %d of %d\n\n", l.Title, at, len(l.Steps))
	for i := range l.Steps {
		s := &l.Steps[i]
		switch {
		case s.Done:
			b.WriteString(term.Hang(term.Sprintf("  [x] %s: %s", s.Who, s.What), width, 6) + "\n")
		case s == open:
			b.WriteString(stepText("  --> ", s, true, width, 6))
		default:
			b.WriteString(stepText("  [ ] ", s, false, width, 6))
		}
	}
	return b.String()
}

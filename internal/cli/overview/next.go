package overview

import (
	"context"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/next"
	"github.com/linnemanlabs/trustroot/internal/term"
)

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

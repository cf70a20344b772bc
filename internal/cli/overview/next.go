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
	_ = cmdutil.PrintText(f.Err, "\n"+NextLine(l)) // progress only
}

// NextLine is the first open step of a list with its commands, or what comes
// when nothing waits.
func NextLine(l *next.List) string {
	s, n := l.Open()
	if s == nil {
		return l.Quiet + "\n"
	}
	return term.Sprintf("Next (%s, step %d of %d): ", l.Title, n, len(l.Steps)) + stepText(s, "  ")
}

func stepText(s *next.Step, indent string) string {
	who := s.Who
	if s.Name != "" {
		who += " " + s.Name
	}
	var b strings.Builder
	term.Fprintf(&b, "%s: %s\n", who, s.What)
	for _, c := range s.Commands {
		term.Fprintf(&b, "%s%s\n", indent, c)
	}
	return b.String()
}

// Checklist is a list as a person ticks it off: done, to do now, and after that.
func Checklist(l *next.List) string {
	open, at := l.Open()
	var b strings.Builder
	if open == nil {
		term.Fprintf(&b, "%s\n", l.Quiet)
		return b.String()
	}
	term.Fprintf(&b, "%s: step %d of %d\n\n", l.Title, at, len(l.Steps))
	for i := range l.Steps {
		s := &l.Steps[i]
		switch {
		case s.Done:
			term.Fprintf(&b, "  [x] %s: %s\n", s.Who, s.What)
		case s == open:
			b.WriteString("  --> " + stepText(s, "        "))
		default:
			b.WriteString("  [ ] " + stepText(s, "        "))
		}
	}
	return b.String()
}

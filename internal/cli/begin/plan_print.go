package begin

import (
	"strings"
	"text/tabwriter"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/draft"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/pki/lint"
)

// draftsText writes certificates as they would be, each with its findings and
// with what its name constraints do.
func draftsText(drafts []draft.Draft, style term.Style) string {
	var b strings.Builder
	for i, d := range drafts {
		if i > 0 {
			b.WriteByte('\n')
		}
		term.Fprintf(&b, "%s g%d, in the ceremony %s\n", d.Authority, d.Generation, d.Ceremony)
		if d.Certificate == nil {
			b.WriteString("    cannot be made\n")
		}
		for _, line := range d.Text {
			term.Fprintf(&b, "    %s\n", line)
		}
		if len(d.Names) > 0 {
			b.WriteString(namesText(d.Names))
		}
		b.WriteString(cmdutil.FindingsText(d.Findings, style))
	}
	return b.String()
}

// namesText tabulates what the constraints of a path do to each type of
// alternative name below it.
func namesText(effects []lint.Effect) string {
	return cmdutil.Table(func(w *tabwriter.Writer) { nameRows(w, effects) })
}

func nameRows(w *tabwriter.Writer, effects []lint.Effect) {
	term.Fprintf(w, "    names under it\tconstraint\tbreaks\twhat it does\n")
	for _, e := range effects {
		used := ""
		if e.Used {
			used = " (in use)"
		}
		breaks := "-"
		if len(e.Breaks) > 0 {
			breaks = strings.Join(e.Breaks, ", ")
		}
		term.Fprintf(w, "    %s%s\t%s\t%s\t%s\n", e.Type, used, e.State, breaks, e.Text)
	}
}

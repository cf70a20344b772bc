package cmdutil

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/strict"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/pki/finding"
)

// PrintJSON writes v as indented JSON, the --json twin of a command's data.
func PrintJSON(w io.Writer, v any) error {
	data, err := strict.Indented(v)
	if err != nil {
		return err
	}
	return PrintData(w, data)
}

// help is what a command that only groups others runs.
func help(c *cobra.Command, _ []string) error { return c.Help() }

// PrintData writes a document as it is, whatever the width of the terminal.
func PrintData(w io.Writer, data []byte) error {
	_, err := w.Write(data)
	return err
}

// Table sets rows in columns; tabs part their cells.
func Table(rows func(w *tabwriter.Writer)) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	rows(w)
	_ = w.Flush() // a strings.Builder takes everything
	return b.String()
}

// PrintText writes text, folded where w is a terminal.
func PrintText(w io.Writer, text string) error {
	_, err := term.Fprintf(w, "%s", term.Text(text))
	return err
}

// Print writes what a command says: v with --json, and text without.
func (f *Factory) Print(v any, text string) error {
	if f.JSON {
		return PrintJSON(f.Out, v)
	}
	return PrintText(f.Out, text)
}

// FindingsText writes findings as every command shows them: what is wrong and
// where, which clients fail, what to do. A repair that follows again at once is
// written at the last only.
func FindingsText(list []finding.Finding, style term.Style) string {
	mark := map[finding.Severity]func(string) term.Text{finding.Error: style.Bad, finding.Unknown: style.Warn, finding.Warning: style.Warn, finding.Info: style.Bold}
	var b strings.Builder
	for i, f := range list {
		if i+1 < len(list) && list[i+1].Repair == f.Repair {
			f.Repair = ""
		}
		term.Fprintf(&b, "%s %s (%s)\n", mark[f.Severity](string(f.Severity)+":"), f.Head(), f.ID)
		for _, row := range [][2]string{{"clients:", f.Effects()}, {"also at:", strings.Join(f.Also, ", ")}, {"repair:", f.Repair}} {
			if row[1] != "" {
				term.Fprintf(&b, "  %s %s\n", style.Dim(row[0]), row[1])
			}
		}
	}
	return b.String()
}

// Count writes a number and what it counts.
func Count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Stamp writes a time as RFC 3339 in UTC.
func Stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// showWidth is the width in columns where the terminal does not say its own.
const showWidth = 100

// Columns is the width of the terminal that data goes to.
func (f *Factory) Columns() int {
	if out, ok := f.Out.(*term.Writer); ok {
		if width := out.Width(); width > 0 {
			return width
		}
	}
	return showWidth
}

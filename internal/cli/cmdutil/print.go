package cmdutil

import (
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/strict"
	"github.com/linnemanlabs/trustroot/internal/term"
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

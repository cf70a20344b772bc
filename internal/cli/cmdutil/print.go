package cmdutil

import (
	"encoding/json"
	"io"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/term"
)

// PrintJSON writes v as indented JSON, the --json twin of a command's data.
func PrintJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// help is what a command that only groups others runs.
func help(c *cobra.Command, _ []string) error { return c.Help() }

// PrintText writes text as it is.
func PrintText(w io.Writer, text string) error {
	_, err := term.Fprintf(w, "%s", term.Text(text))
	return err
}

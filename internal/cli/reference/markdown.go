package reference

import (
	"strings"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/term"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Markdown writes the reference of every command that the tree shows.
func Markdown(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString("# Command reference\n\n<!-- made by scripts/reference from the command tree; do not edit -->\n\n")
	b.WriteString("Standard output is data, with `--json`; standard error is progress; questions and secrets go to the terminal.\n\n")
	b.WriteString("| exit code | meaning |\n|---|---|\n")
	for code, means := range exits {
		term.Fprintf(&b, "| %d | %s |\n", code, means)
	}
	b.WriteString("\nOptions of every command:\n\n")
	flags(&b, root.PersistentFlags())
	section(&b, root)
	return b.String()
}

func section(b *strings.Builder, c *cobra.Command) {
	for _, sub := range shown(c) {
		if sub.HasSubCommands() {
			term.Fprintf(b, "\n## %s\n\n%s\n", sub.CommandPath(), term.Text(long(sub)))
			section(b, sub)
			continue
		}
		term.Fprintf(b, "\n### %s\n\n    %s\n\n%s\n", sub.CommandPath(), sub.UseLine(), term.Text(long(sub)))
		if sub.Example != "" {
			term.Fprintf(b, "\n```sh\n%s\n```\n", term.Text(strings.TrimSpace(sub.Example)))
		}
		if sub.LocalFlags().HasAvailableFlags() {
			b.WriteString("\n")
			flags(b, sub.LocalFlags())
		}
	}
}

func flags(b *strings.Builder, set *pflag.FlagSet) {
	b.WriteString("| option | meaning |\n|---|---|\n")
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		value, usage := cmdutil.Value(f), f.Usage
		term.Fprintf(b, "| `%s` | %s |\n", strings.TrimSpace("--"+f.Name+" "+value), strings.ReplaceAll(usage, "|", `\|`))
	})
}

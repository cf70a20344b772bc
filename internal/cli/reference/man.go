package reference

import (
	"regexp"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/term"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// exits are the exit codes of every command, in the words of the help.
var exits = [...]string{
	0: "Success.",
	1: "Failure.",
	2: "Wrong usage, or an invalid plan. Nothing was changed.",
	3: "The operator stopped at a question.",
	4: "A device or a credential did not work.",
	5: "A verification failed.",
	6: "Something is due soon.",
}

// Page is one manual page.
type Page struct {
	Name string // "trustroot-ceremony-run.1"
	Text string // mdoc(7)
}

// Pages writes a manual page for each command that the tree shows.
func Pages(root *cobra.Command, date time.Time) []Page {
	pages := []Page{{pageName(root) + ".1", page(root, date)}}
	for _, c := range shown(root) {
		pages = append(pages, Pages(c, date)...)
	}
	return pages
}

func pageName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// shown are a command's children but for hidden ones and cobra's help.
func shown(c *cobra.Command) []*cobra.Command {
	var list []*cobra.Command
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			list = append(list, sub)
		}
	}
	return list
}

func page(c *cobra.Command, date time.Time) string {
	var b strings.Builder
	line := func(format string, args ...any) { term.Fprintf(&b, format+"\n", args...) }
	line(".Dd %s", date.Format("January 2, 2006"))
	line(".Dt %s 1", strings.ToUpper(pageName(c)))
	line(".Os")
	line(".Sh NAME\n.Nm %s\n.Nd %s", pageName(c), macro(lowerFirst(c.Short)))
	line(".Sh SYNOPSIS\n.Nm %s", c.CommandPath())
	for _, word := range strings.Fields(strings.TrimPrefix(c.Use, c.Name())) {
		line(".Ar %s", macro(word))
	}
	if c.HasAvailableFlags() {
		line(".Op Ar options")
	}
	line(".Sh DESCRIPTION")
	b.WriteString(text(long(c)))
	for i, sub := range shown(c) {
		if i == 0 {
			line(".Bl -tag -width Ds")
		}
		line(".It Xr %s 1\n%s", pageName(sub), prose(sub.Short+"."))
		if i == len(shown(c))-1 {
			line(".El")
		}
	}
	if c.HasAvailableFlags() {
		line(".Sh OPTIONS\n.Bl -tag -width Ds")
		c.Flags().VisitAll(func(f *pflag.Flag) { option(&b, f) })
		c.InheritedFlags().VisitAll(func(f *pflag.Flag) { option(&b, f) })
		line(".El")
	}
	line(".Sh EXIT STATUS\n.Bl -tag -width Ds")
	for code, means := range exits {
		line(".It %d\n%s", code, prose(means))
	}
	line(".El")
	if c.Example != "" {
		line(".Sh EXAMPLES\n.Bd -literal -offset indent\n%s\n.Ed", literal(c.Example))
	}
	if c.HasParent() {
		line(".Sh SEE ALSO\n.Xr %s 1", pageName(c.Parent()))
	}
	return b.String()
}

func option(b *strings.Builder, f *pflag.Flag) {
	if f.Hidden {
		return
	}
	value, usage := cmdutil.Value(f), f.Usage
	it := ".It Fl -" + f.Name
	if f.Shorthand != "" {
		it = ".It Fl " + f.Shorthand + " , Fl -" + f.Name
	}
	if value != "" {
		it += " Ar " + macro(value)
	}
	term.Fprintf(b, "%s\n%s\n", term.Text(it), prose(upperFirst(usage)+"."))
}

func long(c *cobra.Command) string {
	if c.Long != "" {
		return c.Long
	}
	return c.Short + "."
}

// text writes paragraphs; indented or listed ones keep their lines.
func text(s string) string {
	var b strings.Builder
	for i, paragraph := range strings.Split(strings.TrimSpace(s), "\n\n") {
		paragraph = strings.Trim(paragraph, "\n")
		display := strings.Contains("\n"+paragraph, "\n ") || strings.Contains("\n"+paragraph, "\n\t")
		switch {
		case display:
			b.WriteString(".Bd -literal -offset indent\n" + string(literal(paragraph)) + "\n.Ed\n")
		case i > 0:
			b.WriteString(".Pp\n" + string(prose(paragraph)) + "\n")
		default:
			b.WriteString(string(prose(paragraph)) + "\n")
		}
	}
	return b.String()
}

var sentence = regexp.MustCompile(`([.!?]) +`)

// prose writes one sentence a line, at most 76 columns wide, as mdoc(7) asks.
func prose(s string) term.Text {
	s = strings.TrimSuffix(strings.Join(strings.Fields(s), " "), " ")
	var lines []string
	for _, one := range strings.Split(sentence.ReplaceAllString(s, "$1\n"), "\n") {
		line := ""
		for _, word := range strings.Fields(one) {
			if line != "" && len(line)+1+len(word) > 76 {
				lines = append(lines, line)
				line = ""
			}
			line = strings.TrimPrefix(line+" "+word, " ")
		}
		lines = append(lines, line)
	}
	return literal(strings.Join(lines, "\n"))
}

// literal escapes what roff would read as its own.
func literal(s string) term.Text {
	s = strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\e`), "\t", "        ")
	lines := strings.Split(strings.TrimRight(s, "\n "), "\n")
	for i, line := range lines {
		line = strings.TrimRight(line, " ")
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			line = `\&` + line
		}
		lines[i] = line
	}
	return term.Text(strings.Join(lines, "\n"))
}

// macro escapes a word or line that stands behind a macro.
func macro(s string) string {
	words := strings.Fields(strings.ReplaceAll(s, `\`, `\e`))
	for i, w := range words {
		if len(w) <= 3 || strings.ContainsAny(w[:1], `.,:;()[]?!|"`) {
			w = `\&` + w
		}
		if strings.ContainsAny(w[len(w)-1:], `.,:;()[]?!|`) {
			w += `\&`
		}
		words[i] = strings.ReplaceAll(w, `"`, `\(dq`)
	}
	return strings.Join(words, " ")
}

func lowerFirst(s string) string {
	if len(s) > 1 && s[1] >= 'a' && s[1] <= 'z' {
		return strings.ToLower(s[:1]) + s[1:]
	}
	return s
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

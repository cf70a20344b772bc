package cmdutil

import (
	"cmp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/linnemanlabs/trustroot/internal/term"
)

// Groups in which the help of a program lists its commands, in the order of the
// work.
const (
	groupBegin    = "Begin"
	groupPrepare  = "Prepare"
	groupCeremony = "Ceremony"
	groupPublish  = "Publish"
	groupRun      = "Run"
	groupLook     = "Look"
)

var groups = []string{groupBegin, groupPrepare, groupCeremony, groupPublish, groupRun, groupLook}

var groupOf = map[string]string{
	"init": groupBegin, "adopt": groupBegin, "plan": groupBegin, "rehearse": groupBegin, "next": groupBegin,
	"prepare": groupPrepare, "kms": groupPrepare, "log": groupPrepare, "request": groupPrepare,
	"ceremony": groupCeremony, "token": groupCeremony,
	"trusted-root": groupPublish, "signing-config": groupPublish, "trust": groupPublish, "tuf": groupPublish,
	"services": groupRun, "renew": groupRun, "cutover": groupRun, "compromise": groupRun, "promote": groupRun, "retire": groupRun, "verify": groupRun, "material": groupRun,
	"status": groupLook, "ledger": groupLook, "audit": groupLook, "version": groupLook, "completion": groupLook, "help": groupLook,
}

// valueNames say in help what follows an option; a number is N.
var valueNames = map[string]string{
	"alias-prefix": "PREFIX", "as": "ROLE", "at": "TIME", "bag": "NUMBER", "bag-closed": "NUMBER", "bag-opened": "NUMBER", "bundle": "FILE", "by": "NAME", "cache": "DIR", "ceremony": "NAME", "check": "FILE",
	"cert": "FILE", "client": "NAME,...", "common-name": "NAME", "copy": "URL|FILE", "csr": "FILE", "day": "DATE", "device-cert": "FILE", "intermediates": "FILE", "slot-cert": "FILE", "firmware": "VERSION", "head": "SHA256",
	"key-account-role": "ARN", "kms": "URL", "oci-layout": "DIR", "only": "DOCUMENT", "organization": "NAME", "out": "PATH", "pair": "FILE",
	"pin-policy": "POLICY", "policy": "FILE", "proof": "DIR", "pubkey": "FILE", "rekor": "URL", "restore": "PLACE", "room": "IMAGE",
	"root": "FILE", "since": "TIME", "spki-sha256": "SHA256", "start": "TIME", "state": "FILE", "svg": "FILE", "systemd": "DIR",
	"to": "PLACE", "touch": "WHEN", "touch-policy": "POLICY", "trusted-root": "FILE", "tsa": "URL", "unpublished": "REASON", "usb-redir": "ADDR",
	"withdraw": "REASON", "within": "SPAN", "where": "PLACE", "without": "PLACE",
}

// Value is the name of what follows an option in help; empty for a switch.
func Value(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "bool":
		return ""
	case "string", "stringArray", "stringSlice":
		return cmp.Or(valueNames[f.Name], strings.ToUpper(f.Name))
	case "stringToString":
		return "NAME=URL"
	case "duration":
		return "DURATION"
	}
	return "N"
}

// helpWidth is the widest line of help, in columns.
const helpWidth = 80

// addHelp makes a command and those below it explain themselves within the
// terminal's width.
func addHelp(f *Factory, root *cobra.Command) {
	for _, title := range groups {
		root.AddGroup(&cobra.Group{ID: title, Title: title})
	}
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		c.GroupID = groupOf[c.Name()]
	}
	width := func() int {
		if out, ok := f.Out.(*term.Writer); ok && out.Width() > 0 {
			return max(40, min(out.Width(), helpWidth))
		}
		return helpWidth
	}
	root.SetHelpFunc(func(c *cobra.Command, _ []string) {
		_ = PrintText(c.OutOrStdout(), Help(c, width())) // nowhere left to say it
	})
	root.SetUsageFunc(func(c *cobra.Command) error { return PrintText(c.OutOrStderr(), usage(c, width())) })
}

// Help is the whole help of a command, in lines of at most width columns but for
// what is copied whole.
func Help(c *cobra.Command, width int) string {
	return reflow(cmp.Or(c.Long, c.Short), width) + "\n\n" + usage(c, width)
}

func usage(c *cobra.Command, width int) string {
	var b strings.Builder
	b.WriteString("Usage:\n")
	if c.HasAvailableSubCommands() {
		b.WriteString("  " + c.CommandPath() + " COMMAND\n")
	} else {
		b.WriteString("  " + strings.ReplaceAll(c.UseLine(), " | ", "\n  "+c.Parent().CommandPath()+" ") + "\n")
	}
	commands(&b, c, width)
	if c.Example != "" {
		b.WriteString("\nExample:\n  " + strings.ReplaceAll(c.Example, "\n", "\n  ") + "\n")
	}
	options(&b, "Options", c.LocalNonPersistentFlags(), width)
	options(&b, "Options of every command", c.Root().PersistentFlags(), width)
	if c.HasAvailableSubCommands() {
		b.WriteString("\n" + reflow("`"+c.CommandPath()+" COMMAND --help` explains a command.", width) + "\n")
	}
	return b.String()
}

func commands(b *strings.Builder, c *cobra.Command, width int) {
	list := func(title, group string) {
		var rows [][2]string
		for _, sub := range c.Commands() {
			if sub.GroupID == group && (sub.IsAvailableCommand() || sub.Name() == "help") {
				rows = append(rows, [2]string{sub.Name(), sub.Short})
			}
		}
		if len(rows) > 0 {
			b.WriteString("\n" + title + ":\n" + columns(rows, width))
		}
	}
	for _, g := range c.Groups() {
		list(g.Title, g.ID)
	}
	list("Commands", "")
}

func options(b *strings.Builder, title string, set *pflag.FlagSet, width int) {
	var rows [][2]string
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		usage := f.Usage
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" && f.DefValue != "[]" {
			usage += " (default " + f.DefValue + ")"
		}
		rows = append(rows, [2]string{strings.TrimSpace("--" + f.Name + " " + Value(f)), usage})
	})
	if len(rows) > 0 {
		b.WriteString("\n" + title + ":\n" + columns(rows, width))
	}
}

// columns sets rows in two columns; where the first is wide, the second stands
// below it.
func columns(rows [][2]string, width int) string {
	const most = 24
	first := 0
	for _, r := range rows {
		if n := len(r[0]); n <= most {
			first = max(first, n)
		}
	}
	indent := strings.Repeat(" ", first+4)
	var b strings.Builder
	for _, r := range rows {
		text := strings.ReplaceAll(reflow(r[1], width-len(indent)), "\n", "\n"+indent)
		if len(r[0]) > first {
			b.WriteString("  " + r[0] + "\n" + indent + text + "\n")
		} else {
			b.WriteString("  " + r[0] + indent[2+len(r[0]):] + text + "\n")
		}
	}
	return b.String()
}

// reflow breaks the lines of each paragraph at width. Indented lines stay.
func reflow(text string, width int) string {
	var out []string
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		var lines []string
		line := ""
		for l := range strings.SplitSeq(paragraph, "\n") {
			if strings.HasPrefix(l, " ") || strings.HasPrefix(l, "\t") {
				if line != "" {
					lines = append(lines, line)
				}
				lines, line = append(lines, l), ""
				continue
			}
			for word := range strings.FieldsSeq(l) {
				if line != "" && len([]rune(line))+1+len([]rune(word)) > width {
					lines, line = append(lines, line), ""
				}
				line = strings.TrimPrefix(line+" "+word, " ")
			}
		}
		if line != "" {
			lines = append(lines, line)
		}
		out = append(out, strings.Join(lines, "\n"))
	}
	return strings.Join(out, "\n\n")
}

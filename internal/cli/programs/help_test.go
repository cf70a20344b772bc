package programs_test

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/programs"
	"github.com/linnemanlabs/trustroot/internal/cli/programs/offline"
)

var trees = map[string]func(*cmdutil.Factory) *cobra.Command{
	"trustroot": programs.Trustroot, "trustroot-offline": offline.Program,
}

func each(t *testing.T, check func(t *testing.T, c *cobra.Command)) {
	t.Helper()
	for name, tree := range trees {
		var walk func(c *cobra.Command)
		walk = func(c *cobra.Command) {
			if c.Name() != "completion" && c.Name() != "help" {
				check(t, c)
				for _, sub := range c.Commands() {
					walk(sub)
				}
			}
		}
		t.Run(name, func(t *testing.T) { walk(tree(&cmdutil.Factory{Dir: "."})) })
	}
}

// Help fits the narrowest terminal that people work in. What is copied whole is
// not broken: usage lines, examples, and what is indented.
func TestHelp_FitsTheTerminal(t *testing.T) {
	for _, width := range []int{80, 60} {
		each(t, func(t *testing.T, c *cobra.Command) {
			t.Helper()
			for line := range strings.SplitSeq(cmdutil.Help(c, width), "\n") {
				if len([]rune(line)) > width && !strings.Contains(line, c.Root().Name()+" ") && !strings.Contains(c.Long, line) {
					t.Errorf("%s at %d columns: %q", c.CommandPath(), width, line)
				}
			}
		})
	}
}

// Every command that does something has an example, and the example is a
// command line that it takes.
func TestHelp_ExamplesAreTrue(t *testing.T) {
	each(t, func(t *testing.T, c *cobra.Command) {
		t.Helper()
		if !c.Runnable() || c.HasSubCommands() || !c.IsAvailableCommand() {
			return
		}
		if c.Example == "" {
			t.Errorf("%s has no example", c.CommandPath())
			return
		}
		for line := range strings.SplitSeq(c.Example, "\n") {
			words := quoted.FindAllString(line, -1)
			for i, w := range words {
				words[i] = strings.Trim(w, `"`)
			}
			if at := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, ">") }); at > 0 {
				words = words[:at]
			}
			found, rest, err := c.Root().Find(words[1:])
			if err == nil && found == c {
				err = c.ParseFlags(rest)
			}
			if err != nil || found != c {
				t.Errorf("%q is not a command line of %s: %v", line, c.CommandPath(), err)
				continue
			}
			if err := c.ValidateArgs(c.Flags().Args()); err != nil {
				t.Errorf("%q: %v", line, err)
			}
			c.Flags().VisitAll(func(f *pflag.Flag) { f.Changed = false })
		}
	})
}

// quoted is a word of a command line.
var quoted = regexp.MustCompile(`"[^"]*"|\S+`)

// An option's value has a name of its own, not that of a type of Go.
func TestHelp_ValuesHaveNames(t *testing.T) {
	each(t, func(t *testing.T, c *cobra.Command) {
		t.Helper()
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if v := cmdutil.Value(f); v != strings.ToUpper(v) || v == "" && f.Value.Type() != "bool" {
				t.Errorf("%s --%s %s", c.CommandPath(), f.Name, v)
			}
		})
	})
}

func TestHelp_CommandsStandInGroups(t *testing.T) {
	for name, tree := range trees {
		for _, c := range tree(&cmdutil.Factory{}).Commands() {
			if c.GroupID == "" {
				t.Errorf("%s %s stands in no group", name, c.Name())
			}
		}
	}
}

func TestUsage_DidYouMean(t *testing.T) {
	for typed, want := range map[string]string{"stauts": "did you mean status?", "tuf sgin": "sign", "zzz": `unknown command "zzz"`} {
		var out bytes.Buffer
		f := &cmdutil.Factory{Out: &out, Err: &out, Dir: t.TempDir()}
		if code := cmdutil.Execute(t.Context(), f, programs.Trustroot(f), strings.Fields(typed)); code != 2 || !strings.Contains(out.String(), want) {
			t.Errorf("%s: code %d, %q, want %q", typed, code, out.String(), want)
		}
	}
}

package cmdutil

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/linnemanlabs/trustroot/pki/plan"
)

// slotsOffered are the slots that people use; the others can be typed.
var slotsOffered = []string{"9a", "9c", "9d", "9e", "82"}

// complete offers what the plan of the trust directory names, wherever an
// argument or an option takes it. A plan that does not hold offers nothing.
func complete(f *Factory, c *cobra.Command) {
	if _, arguments, ok := strings.Cut(c.Use, " "); ok && c.ValidArgsFunction == nil {
		c.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			offered := slices.DeleteFunc(named(f, arguments), func(s string) bool { return slices.Contains(args, s) })
			if len(offered) == 0 {
				return nil, cobra.ShellCompDirectiveDefault // files
			}
			return offered, cobra.ShellCompDirectiveNoFileComp
		}
	}
	c.Flags().VisitAll(func(flag *pflag.Flag) {
		what := map[string]string{"serial": "SERIAL", "token": "SERIAL", "duplicate": "SERIAL", "slot": "SLOT", "ceremony": "CEREMONY"}[flag.Name]
		if what == "" {
			return
		}
		// it fails only where a flag has its completion already
		_ = c.RegisterFlagCompletionFunc(flag.Name, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return named(f, what), cobra.ShellCompDirectiveNoFileComp
		})
	})
	for _, sub := range c.Commands() {
		complete(f, sub)
	}
}

// named lists what the words in capitals stand for: NAME, AUTHORITY, LOG, APP,
// HOLDER, STAGED, RECORD, SERIAL, SLOT, CEREMONY.
func named(f *Factory, words string) []string {
	data, err := ReadFile(filepath.Join(f.Dir, "pki.yaml"))
	if err != nil {
		return nil
	}
	p, err := plan.Parse("pki.yaml", data)
	if err != nil {
		return nil
	}
	var out []string
	add := func(word string, names []string) {
		if strings.Contains(words, word) {
			out = append(out, names...)
		}
	}
	authorities, logs, apps := keys(p.Authorities), keys(p.Logs), keys(p.Apps)
	add("AUTHORITY", authorities)
	add("LOG", logs)
	add("APP", apps)
	add("NAME", slices.Concat(authorities, logs, apps))
	add("HOLDER", keys(p.Holders))
	add("CEREMONY", keys(p.Ceremonies))
	add("SLOT", slotsOffered)
	add("SERIAL", serials(p))
	for word, folder := range map[string]string{"STAGED": "staged", "RECORD": "ceremonies"} {
		entries, _ := os.ReadDir(filepath.Join(f.Dir, folder)) // none offers nothing
		for _, e := range entries {
			add(word, []string{filepath.Join(f.Dir, folder, e.Name())})
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func keys[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }

func serials(p *plan.Plan) []string {
	out := make([]string, 0, len(p.Ceremonies)+len(p.Holders))
	for _, c := range p.Ceremonies {
		out = append(out, fmt.Sprint(c.Token))
	}
	for _, h := range p.Holders {
		out = append(out, fmt.Sprint(h.Token))
	}
	return out
}

package main

import (
	"testing"

	"github.com/spf13/cobra"
)

// Each command is made alone under the name that it has among all.
func TestNewRootCmd_OneOfAll(t *testing.T) {
	var paths func(*cobra.Command) string
	paths = func(c *cobra.Command) string {
		path := c.CommandPath() + "\n"
		for _, sub := range c.Commands() {
			path += paths(sub)
		}
		return path
	}
	all := newRootCmd(&factory{}, nil).Commands()
	if len(all) < 18 {
		t.Fatalf("%d commands", len(all))
	}
	for _, c := range all {
		alone := newRootCmd(&factory{}, []string{"--json", "--dir", "tuf", c.Name(), "x"}).Commands()
		if len(alone) != 1 || paths(alone[0]) != paths(c) {
			t.Errorf("%s alone is not what it is among all", c.Name())
		}
	}
	if some := newRootCmd(&factory{}, []string{"such"}).Commands(); len(some) != len(all) {
		t.Errorf("%d commands for one that is none", len(some))
	}
}

func TestFirstWord_AfterTheFlags(t *testing.T) {
	for line, want := range map[string][]string{
		"tuf":    {"--dir", "status", "tuf", "status"},
		"status": {"--dir=tuf", "--json", "status"},
		"verify": {"verify", "--dir", "tuf"},
	} {
		if got := firstWord(want); got != line {
			t.Errorf("%q begins with %q, not %q", want, got, line)
		}
	}
	for _, args := range [][]string{nil, {"--dir"}, {"--help"}, {"-h", "tuf"}, {"--json=true", "tuf"}, {"--", "tuf"}, {"--version"}} {
		if got := firstWord(args); got != "" {
			t.Errorf("%q is taken for %q", args, got)
		}
	}
}

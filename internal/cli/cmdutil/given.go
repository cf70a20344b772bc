package cmdutil

import (
	"context"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/trustdir"
)

// Given returns the file of an argument, or the trust directory's own.
func (f *Factory) Given(args []string) string {
	if len(args) > 0 {
		return args[0]
	}
	return filepath.Join(f.Dir, filepath.FromSlash(trustdir.TrustedRootFile))
}

// One is the RunE of a command with one argument, which becomes *arg.
func One[O any](arg *string, o O, run func(context.Context, O) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		*arg = args[0]
		return run(c.Context(), o)
	}
}

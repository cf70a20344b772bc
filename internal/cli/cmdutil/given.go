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

// Command is a command that takes as many arguments as it has places for them,
// and no others.
func Command[O any](o O, run func(context.Context, O) error, use, short, long string, places ...*string) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Long: long, Args: cobra.ExactArgs(len(places))}
	if len(places) == 0 {
		c.Args = cobra.NoArgs
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		for i, place := range places {
			*place = args[i]
		}
		return run(c.Context(), o)
	}
	return c
}

// CommandOfMany is a command that takes a list of arguments, at least so many.
func CommandOfMany[O any](o O, run func(context.Context, O) error, use, short, long string, least int, list *[]string) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Long: long,
		Args: cobra.MinimumNArgs(least),
		RunE: func(c *cobra.Command, args []string) error {
			*list = args
			return run(c.Context(), o)
		},
	}
}

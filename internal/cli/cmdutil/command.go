package cmdutil

import (
	"context"
	"path/filepath"
	"time"

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

// SerialFlag adds --serial; a token is never chosen by position.
func SerialFlag(cmd *cobra.Command, into *uint32) {
	cmd.Flags().Uint32Var(into, "serial", 0, "serial number of the YubiKey")
}

// SlotFlag adds --slot, which has no default: a slot is named.
func SlotFlag(cmd *cobra.Command, into *string) {
	cmd.Flags().StringVar(into, "slot", "", "slot in hex: 9a, 9c, 9d, 9e, or 82 to 95")
}

// RehearsalFlag adds the option that takes attestations of virtual tokens.
func RehearsalFlag(cmd *cobra.Command, into *bool) {
	cmd.Flags().BoolVar(into, "rehearsal", false, "accept the virtual token that the rehearsal's own plan pins")
}

// Instant reads an RFC 3339 flag; empty is the standard time.
func Instant(flag, text string, standard time.Time) (time.Time, error) {
	if text == "" {
		return standard, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || t.Nanosecond() != 0 {
		return time.Time{}, Usage("write it like 2029-04-01T12:00:00Z", "%s %q is not a time in whole seconds", flag, text)
	}
	return t.UTC(), nil
}

// Required is instant for a flag that must be given.
func Required(flag, text string) (time.Time, error) {
	t, err := Instant(flag, text, time.Time{})
	if err == nil && t.IsZero() {
		err = Usage("give it like "+flag+" 2029-04-01T12:00:00Z", "%s is missing", flag)
	}
	return t, err
}

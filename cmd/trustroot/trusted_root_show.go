package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/pki/trustedroot"
)

// showWidth is the width in columns where the terminal does not say its own.
const showWidth = 100

type trustedRootShowOptions struct {
	*factory
	file string
	at   string
	svg  string
}

func newTrustedRootShowCmd(f *factory, run func(context.Context, *trustedRootShowOptions) error) *cobra.Command {
	o := &trustedRootShowOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "show [FILE]",
		Short: "Draw a time line per role, with fingerprints and what is current",
		Long: "Draw a time line per role, with fingerprints and what is current. Without\n" +
			"FILE it is the trust directory's own.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.file = o.given(args)
			return run(c.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.at, "at", "", "what is current at this time (RFC 3339); now where it is left away")
	cmd.Flags().StringVar(&o.svg, "svg", "", "write the time lines as an SVG to this file too")
	return cmd
}

func runTrustedRootShow(_ context.Context, o *trustedRootShowOptions) error {
	data, err := readFile(o.file)
	if err != nil {
		return err
	}
	at := o.now
	if o.at != "" {
		if at, err = instant("--at", o.at); err != nil {
			return err
		}
	}
	view, err := trustedroot.Show(data, at)
	if err != nil {
		return fmt.Errorf("%s: %w", o.file, err)
	}
	if o.svg != "" {
		if err := durable.Replace(o.svg, view.SVG(), 0o644); err != nil {
			return err
		}
		o.progress("wrote %s", o.svg)
	}
	if o.json {
		return printJSON(o.out, view)
	}
	return printText(o.out, view.Text(o.columns()))
}

// columns is the width of the terminal that data goes to.
func (f *factory) columns() int {
	if file, ok := f.out.(*os.File); ok {
		if width, _, err := term.GetSize(int(file.Fd())); err == nil {
			return width
		}
	}
	return showWidth
}

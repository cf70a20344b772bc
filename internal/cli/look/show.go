package look

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/pki/trustedroot"
)

type trustedRootShowOptions struct {
	*cmdutil.Factory
	file string
	at   string
	svg  string
}

func newTrustedRootShowCmd(f *cmdutil.Factory, run func(context.Context, *trustedRootShowOptions) error) *cobra.Command {
	o := &trustedRootShowOptions{Factory: f}
	cmd := &cobra.Command{
		Use:   "show [FILE]",
		Short: "Draw a time line per role, with fingerprints and what is current",
		Long: "Draw a time line per role, with fingerprints and what is current. Without\n" +
			"FILE it is the trust directory's own.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.file = o.Given(args)
			return run(c.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.at, "at", "", "what is current at this time (RFC 3339); now where it is left away")
	cmd.Flags().StringVar(&o.svg, "svg", "", "write the time lines as an SVG to this file too")
	return cmd
}

func runTrustedRootShow(_ context.Context, o *trustedRootShowOptions) error {
	data, err := cmdutil.ReadFile(o.file)
	if err != nil {
		return err
	}
	at := o.Now
	if o.at != "" {
		if at, err = cmdutil.Instant("--at", o.at); err != nil {
			return err
		}
	}
	var compromised []string
	if known := ledgerBeside(o.Dir, o.file); known != nil {
		compromised = known.CompromisedKeys()
	}
	view, err := trustedroot.Show(data, at, compromised...)
	if err != nil {
		return fmt.Errorf("%s: %w", o.file, err)
	}
	if o.svg != "" {
		if err := durable.Replace(o.svg, view.SVG(), 0o644); err != nil {
			return err
		}
		o.Progress("wrote %s", o.svg)
	}
	if o.JSON {
		return cmdutil.PrintJSON(o.Out, view)
	}
	return cmdutil.PrintText(o.Out, view.Text(o.Columns()))
}

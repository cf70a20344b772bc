package look

import (
	"context"
	"fmt"
	"time"

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

func newTrustedRootShowCmd(f *cmdutil.Factory) *cobra.Command {
	o := &trustedRootShowOptions{Factory: f}
	cmd := &cobra.Command{
		Use:   "show [FILE]",
		Short: "Draw a time line per role, with fingerprints and what is current",
		Long: "Draw a time line per role, with fingerprints and what is current. Without\n" +
			"FILE it is the trust directory's own.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.file = o.Given(args)
			return runTrustedRootShow(c.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.at, "at", "", "what is current at this time (RFC 3339) (default: now)")
	cmd.Flags().StringVar(&o.svg, "svg", "", "write the time lines as an SVG to this file too")
	return cmd
}

func runTrustedRootShow(_ context.Context, o *trustedRootShowOptions) error {
	data, err := cmdutil.ReadFile(o.file)
	if err != nil {
		return err
	}
	at, err := cmdutil.Instant("--at", o.at, o.Now)
	if err != nil {
		return err
	}
	var compromised []string
	if known := ledgerBeside(o.Dir, o.file); known != nil {
		compromised = known.CompromisedKeys()
	}
	roots := trustedroot.Documents(data)
	if len(roots) > 1 && o.svg != "" {
		return cmdutil.Usage("draw one trusted root: write one of them into a file of its own", "%s has %d trusted roots, one a line", o.file, len(roots))
	}
	for i, root := range roots {
		if len(roots) > 1 {
			o.Progress("trusted root %d of %d (JSON lines)", i+1, len(roots))
		} else if len(root) != len(data) {
			o.Progress("the trusted root of a ClientTrustConfig")
		}
		if err := o.show(root, at, compromised); err != nil {
			return err
		}
	}
	return nil
}

// show prints one trusted root.
func (o *trustedRootShowOptions) show(data []byte, at time.Time, compromised []string) error {
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
	return o.Print(view, view.Text(o.Columns()))
}

type trustedRootDiffOptions struct {
	*cmdutil.Factory
	old, new string
}

func newTrustedRootDiffCmd(f *cmdutil.Factory) *cobra.Command {
	o := &trustedRootDiffOptions{Factory: f}
	return cmdutil.Command(o, runTrustedRootDiff, "diff OLD NEW", "Show what a newer file adds and closes, and refuse anything else", "", &o.old, &o.new)
}

func runTrustedRootDiff(_ context.Context, o *trustedRootDiffOptions) error {
	oldFile, err := cmdutil.ReadFile(o.old)
	if err != nil {
		return err
	}
	newFile, err := cmdutil.ReadFile(o.new)
	if err != nil {
		return err
	}
	changes, refused := trustedroot.Diff(oldFile, newFile)
	text := ""
	for _, change := range changes {
		text += change.String() + "\n"
	}
	if err := o.Print(append([]trustedroot.Change{}, changes...), text); err != nil {
		return err
	}
	if refused == nil && len(changes) == 0 && !o.JSON {
		o.Progress("nothing changed")
	}
	return refused
}

package run

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/renewal"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
)

type cutoverOptions struct {
	*cmdutil.Factory
	names []string
	at    string
}

func newCutoverCmd(f *cmdutil.Factory, run func(context.Context, *cutoverOptions) error) *cobra.Command {
	o := &cutoverOptions{Factory: f}
	cmd := &cobra.Command{
		Use:   "cutover NAME...",
		Short: "Record when services were seen to use their new key, and close the old windows",
		Long: `Record when services were seen to use their newest generation, and close the
windows of the older ones at that time. Several names are one recorded step.

What the old key signed until then stays valid, so give the time at which the
last service switched, never the new certificate's notBefore.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.names = args
			return run(c.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.at, "at", "", "when the switch was seen (RFC 3339)")
	return cmd
}

func runCutover(_ context.Context, o *cutoverOptions) error {
	at, err := cmdutil.Required("--at", o.at)
	if err != nil {
		return err
	}
	d, err := trustdir.Open(o.Dir)
	if err != nil {
		return err
	}
	c, err := renewal.Cutover(d, o.names, at, o.Now)
	if err != nil {
		return err
	}
	return printClosing(o.Factory, c)
}

func printClosing(f *cmdutil.Factory, c *renewal.Closing) error {
	if f.JSON {
		return cmdutil.PrintJSON(f.Out, c)
	}
	var b strings.Builder
	for _, w := range c.Closed {
		term.Fprintf(&b, "%s g%d is closed: verifiers accept what it signed until %s, included\n", w.Name, w.Generation, cmdutil.Stamp(w.End))
		if w.Newer > 0 {
			term.Fprintf(&b, "    in use now: g%d\n", w.Newer)
		}
		if w.Honours != "" {
			term.Fprintf(&b, "    %s\n", w.Honours)
		}
	}
	b.WriteString("next:\n")
	for i, step := range c.Next {
		term.Fprintf(&b, "  %d. %s\n", i+1, step)
	}
	return cmdutil.PrintText(f.Out, b.String())
}

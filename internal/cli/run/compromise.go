package run

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/renewal"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
)

type compromiseOptions struct {
	*cmdutil.Factory
	name       string
	generation int
	since      string
	reason     string
}

func newLedgerCompromiseCmd(f *cmdutil.Factory, run func(context.Context, *compromiseOptions) error) *cobra.Command {
	o := &compromiseOptions{Factory: f}
	cmd := &cobra.Command{
		Use:   "compromise NAME",
		Short: "Close a key's window retroactively",
		Long: `Close the window of one generation at the first instant at which its key may
have been misused, say which clients do not look at that, and what to publish.

The ledger keeps the entry for ever.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.name = args[0]
			return run(c.Context(), o)
		},
	}
	cmd.Flags().IntVar(&o.generation, "generation", 0, "generation of the key")
	cmd.Flags().StringVar(&o.since, "since", "", "first instant of misuse (RFC 3339)")
	cmd.Flags().StringVar(&o.reason, "reason", "", "what happened, for those who read the ledger")
	return cmd
}

func runLedgerCompromise(_ context.Context, o *compromiseOptions) error {
	since, err := cmdutil.Required("--since", o.since)
	if err != nil {
		return err
	}
	if o.generation < 1 {
		return cmdutil.Usage("see `trustroot ledger show` for its generations", "--generation is missing")
	}
	if o.reason == "" {
		return cmdutil.Usage("say in a few words what happened", "--reason is missing")
	}
	d, err := trustdir.Open(o.Dir)
	if err != nil {
		return err
	}
	c, err := renewal.Compromise(d, o.name, o.generation, since, o.reason, o.Now)
	if err != nil {
		return err
	}
	return printClosing(o.Factory, c)
}

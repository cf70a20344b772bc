package begin

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
)

type initOptions struct {
	*cmdutil.Factory
	organization string
	domain       string
	rehearsal    bool
}

func newInitCmd(f *cmdutil.Factory, practice func(context.Context, *cmdutil.Factory) error) *cobra.Command {
	o := &initOptions{Factory: f}
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Begin a trust directory: a plan to fill in and an empty ledger",
		Long: `Begin a trust directory. At a terminal it asks for organization, domain, tokens,
people, day and identity provider, and writes plan and ledger. With
--organization and --domain it writes a plan to fill in; run again, the ledger.
A plan that is there already is kept.

With --rehearsal it begins one to walk by hand, with virtual tokens, a stand-in
for KMS and a practice plan, or goes on with it: tokens and KMS run until Enter.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if o.rehearsal {
				return practice(c.Context(), f)
			}
			return runInit(c.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.organization, "organization", "", "organization in every subject")
	cmd.Flags().StringVar(&o.domain, "domain", "", "domain under which the services run")
	cmd.Flags().BoolVar(&o.rehearsal, "rehearsal", false, "begin one to practise in by hand, with virtual tokens and a stand-in for KMS")
	return cmd
}

func runInit(ctx context.Context, o *initOptions) error {
	_, err := os.Lstat(filepath.Join(o.Dir, trustdir.PlanFile))
	if person, ok := o.Operator.(cmdutil.Asker); ok && errors.Is(err, fs.ErrNotExist) && o.organization == "" && o.domain == "" {
		// where there is no terminal, the flags are named
		if err := o.asks(ctx, person); fault.ExitCode(err) != int(fault.Failure) {
			return err
		}
	}
	written, err := trustdir.Init(o.Dir, o.organization, o.domain, o.Now)
	if err != nil {
		return err
	}
	for _, name := range written {
		o.Progress("wrote %s", name)
	}
	return nil
}

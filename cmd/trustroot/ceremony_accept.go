package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/internal/app"
	"github.com/linnemanlabs/trustroot/pki/lint"
)

type ceremonyAcceptOptions struct {
	*factory
	record    string
	rehearsal bool
}

func newCeremonyAcceptCmd(f *factory, run func(context.Context, *ceremonyAcceptOptions) error) *cobra.Command {
	o := &ceremonyAcceptOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "accept RECORD",
		Short: "Check a record and file it into the trust directory and the ledger",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.record = args[0]
			return run(c.Context(), o)
		},
	}
	rehearsalFlag(cmd, &o.rehearsal)
	return cmd
}

func runCeremonyAccept(_ context.Context, o *ceremonyAcceptOptions) error {
	d, err := app.Open(o.dir)
	if err != nil {
		return err
	}
	accepted, err := d.Accept(o.record, ceremony.VerifyOptions{Linter: lint.New(), Rehearsal: o.rehearsal}, o.now)
	if err != nil {
		return err
	}
	if o.json {
		return printJSON(o.out, accepted)
	}
	for _, c := range accepted {
		if err := printText(o.out, fmt.Sprintf("%s g%d  serial %s  %s\n", c.Authority, c.Generation, c.Serial, c.File.Path)); err != nil {
			return err
		}
	}
	return nil
}

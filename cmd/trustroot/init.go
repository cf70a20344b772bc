package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/app"
)

type initOptions struct {
	*factory
	organization string
	domain       string
}

func newInitCmd(f *factory, run func(context.Context, *initOptions) error) *cobra.Command {
	o := &initOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Begin a trust directory: a plan to fill in and an empty ledger",
		Long:  "Begin a trust directory: a plan to fill in and an empty ledger.\n\nA plan that is there already is kept.",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return run(c.Context(), o) },
	}
	cmd.Flags().StringVar(&o.organization, "organization", "", "organization in every subject")
	cmd.Flags().StringVar(&o.domain, "domain", "", "domain under which the services run")
	return cmd
}

func runInit(_ context.Context, o *initOptions) error {
	written, err := app.Init(o.dir, o.organization, o.domain, o.now)
	if err != nil {
		return err
	}
	for _, name := range written {
		o.progress("wrote %s", name)
	}
	return nil
}

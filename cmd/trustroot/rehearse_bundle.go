package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/app"
)

type rehearseBundleOptions struct{ *factory }

func newRehearseBundleCmd(f *factory, run func(context.Context, *rehearseBundleOptions) error) *cobra.Command {
	o := &rehearseBundleOptions{factory: f}
	return &cobra.Command{
		Use:   "bundle",
		Short: "Sign and archive a bundle with a rehearsal's keys, in place of its services",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return run(c.Context(), o) },
	}
}

func runRehearseBundle(ctx context.Context, o *rehearseBundleOptions) error {
	d, err := app.Open(o.dir)
	if err != nil {
		return err
	}
	client, err := o.kmsClient(ctx, "")
	if err != nil {
		return err
	}
	path, err := d.SignRehearsal(ctx, client, o.now)
	if err != nil {
		return err
	}
	o.progress("archived %s", path)
	return nil
}

package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/internal/app"
)

func newRequestCmd(f *factory) *cobra.Command {
	cmd := &cobra.Command{Use: "request", Short: "What crosses to the ceremony host", RunE: help}
	cmd.AddCommand(newRequestCreateCmd(f, runRequestCreate), newRequestShowCmd(f, runRequestShow))
	return cmd
}

type requestCreateOptions struct {
	*factory
	ceremony string
	out      string
}

func newRequestCreateCmd(f *factory, run func(context.Context, *requestCreateOptions) error) *cobra.Command {
	o := &requestCreateOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Gather what a ceremony of the plan needs, as a folder and one tar",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return run(c.Context(), o) },
	}
	cmd.Flags().StringVar(&o.ceremony, "ceremony", "", "name of the ceremony in the plan")
	cmd.Flags().StringVar(&o.out, "out", ".", "folder to write to, such as the mounted stick")
	return cmd
}

func runRequestCreate(_ context.Context, o *requestCreateOptions) error {
	d, err := app.Open(o.dir)
	if err != nil {
		return err
	}
	r, err := d.CreateRequest(o.ceremony, o.out, o.now)
	if err != nil {
		return err
	}
	o.progress("wrote %s and %s.tar; write the words down on paper", r.Path, r.Path)
	return o.printRequest(r)
}

type requestShowOptions struct {
	*factory
	path string
}

func newRequestShowCmd(f *factory, run func(context.Context, *requestShowOptions) error) *cobra.Command {
	o := &requestShowOptions{factory: f}
	return &cobra.Command{
		Use:   "show REQUEST",
		Short: "Check a request and print everything that it asks to sign",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.path = args[0]
			return run(c.Context(), o)
		},
	}
}

func runRequestShow(_ context.Context, o *requestShowOptions) error {
	r, err := request.Open(o.path)
	if err != nil {
		return err
	}
	return o.printRequest(r)
}

func (f *factory) printRequest(r *request.Request) error {
	if f.json {
		return printJSON(f.out, r.Manifest)
	}
	return printText(f.out, r.String())
}

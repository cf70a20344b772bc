package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/app"
)

type statusOptions struct{ *factory }

func newStatusCmd(f *factory, run func(context.Context, *statusOptions) error) *cobra.Command {
	o := &statusOptions{factory: f}
	return &cobra.Command{
		Use:   "status",
		Short: "Draw what exists: the PKI, the logs, the repository",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return run(c.Context(), o) },
	}
}

func runStatus(_ context.Context, o *statusOptions) error { return o.show() }

// show prints the trust directory as a tree, and where its files are.
func (f *factory) show() error {
	d, err := app.Open(f.dir)
	if err != nil {
		return err
	}
	if f.json {
		return printJSON(f.out, d.State)
	}
	return printText(f.out, d.Tree()+"\n"+strings.Join(d.Places(), "\n")+"\n")
}

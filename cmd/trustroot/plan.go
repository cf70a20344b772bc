package main

import (
	"context"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/app"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

func newPlanCmd(f *factory) *cobra.Command {
	cmd := &cobra.Command{Use: "plan", Short: "What should exist", RunE: help}
	cmd.AddCommand(newPlanCheckCmd(f, runPlanCheck), newPlanSchemaCmd(f))
	return cmd
}

type planCheckOptions struct {
	*factory
	file string
}

func newPlanCheckCmd(f *factory, run func(context.Context, *planCheckOptions) error) *cobra.Command {
	o := &planCheckOptions{factory: f}
	return &cobra.Command{
		Use:   "check [FILE]",
		Short: "Check a plan and name every problem with line and column",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.file = filepath.Join(f.dir, app.PlanFile)
			if len(args) == 1 {
				o.file = args[0]
			}
			return run(c.Context(), o)
		},
	}
}

func runPlanCheck(_ context.Context, o *planCheckOptions) error {
	data, err := readFile(o.file)
	if err != nil {
		return err
	}
	p, err := plan.Parse(o.file, data)
	if err != nil {
		return err
	}
	if err := p.Pinned(); err != nil {
		o.progress("not pinned yet, which a request needs:\n%v", err)
	}
	o.progress("%s holds", o.file)
	return nil
}

func newPlanSchemaCmd(f *factory) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the plan's JSON schema, for editors",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			text, err := plan.Schema()
			if err != nil {
				return err
			}
			return printText(f.out, string(text))
		},
	}
}

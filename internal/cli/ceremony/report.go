package ceremony

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/pki/lint"
)

type ceremonyReportOptions struct {
	*cmdutil.Factory
	record    string
	out       string
	rehearsal bool
}

func newCeremonyReportCmd(f *cmdutil.Factory, run func(context.Context, *ceremonyReportOptions) error) *cobra.Command {
	o := &ceremonyReportOptions{Factory: f}
	cmd := &cobra.Command{
		Use:   "report RECORD",
		Short: "Check a record and write its report again, with what was proved and who has signed",
		Long: "Check a record and write its report again, with what was proved and who has signed.\n\n" +
			"The record's own sealed/report.html was written before anybody could sign it.",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.record = args[0]
			return run(c.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.out, "out", "", "new file to write the page to, in place of standard output")
	cmdutil.RehearsalFlag(cmd, &o.rehearsal)
	return cmd
}

func runCeremonyReport(_ context.Context, o *ceremonyReportOptions) error {
	v, err := ceremony.Verify(o.record, ceremony.VerifyOptions{Linter: lint.New(), Rehearsal: o.rehearsal})
	if err != nil {
		return err
	}
	page, err := ceremony.Report(v)
	if err != nil {
		return err
	}
	if o.out != "" {
		return durable.Write(o.out, page, 0o644)
	}
	return cmdutil.PrintText(o.Out, string(page))
}

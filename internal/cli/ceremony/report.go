package ceremony

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/pki/lint"
)

type ceremonyReportOptions struct {
	*cmdutil.Factory
	record string
	out    string
	public bool
	ceremony.Public
	rehearsal bool
}

func newCeremonyReportCmd(f *cmdutil.Factory) *cobra.Command {
	o := &ceremonyReportOptions{Factory: f}
	cmd := cmdutil.Command(o, runCeremonyReport, "report RECORD",
		"Check a record and write its report again, with what was proved and who has signed",
		"Check a record and write its report again, with what was proved and who has signed.\n\n"+
			"The record's own sealed/report.html was written before anybody could sign it.\n\n"+
			"With --public the page is for readers: what came out, what is proved and how to check\n"+
			"it. It names no people and no serial numbers of tokens unless they are allowed, and the\n"+
			"record's digest ties it to the record.", &o.record)
	cmd.Flags().StringVar(&o.out, "out", "", "new file to write the page to, in place of standard output")
	cmd.Flags().BoolVar(&o.public, "public", false, "write the page for readers")
	cmd.Flags().BoolVar(&o.Names, "with-names", false, "with --public: name the people")
	cmd.Flags().BoolVar(&o.Serials, "with-serials", false, "with --public: show the serial numbers of tokens")
	cmdutil.RehearsalFlag(cmd, &o.rehearsal)
	return cmd
}

func runCeremonyReport(_ context.Context, o *ceremonyReportOptions) error {
	if (o.Names || o.Serials) && !o.public {
		return cmdutil.Usage("add --public, or leave them away", "--with-names and --with-serials are of --public")
	}
	v, err := ceremony.Verify(o.record, ceremony.VerifyOptions{Linter: lint.New(), Rehearsal: o.rehearsal})
	if err != nil {
		return err
	}
	var page []byte
	if o.public {
		page, err = ceremony.PublicReport(v, o.Public)
	} else {
		page, err = ceremony.Report(v)
	}
	if err != nil {
		return err
	}
	return writePage(o.Factory, o.out, page)
}

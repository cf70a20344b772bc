package ceremony

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/show"
	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/pki/lint"
)

type ceremonyScriptOptions struct {
	*cmdutil.Factory
	request string
	out     string
}

func newCeremonyScriptCmd(f *cmdutil.Factory) *cobra.Command {
	o := &ceremonyScriptOptions{Factory: f}
	cmd := cmdutil.Command(o, runCeremonyScript, "script REQUEST",
		"Write the printable script of the ceremony that a request asks for",
		"Write the printable script of the ceremony that a request asks for: numbered steps with\n"+
			"the values that each must show, boxes and initials, attendance, media and bags, and\n"+
			"exception sheets. Print the page at A4 before the day.\n\n"+
			"The steps are those that \"ceremony run\" runs, and the screen, the journal and the report\n"+
			"number them alike. The request's words are left blank: the second person writes them in.", &o.request)
	cmd.Flags().StringVar(&o.out, "out", "", "new file to write the page to, in place of standard output")
	return cmd
}

func runCeremonyScript(_ context.Context, o *ceremonyScriptOptions) error {
	r, err := request.Open(o.request)
	if err != nil {
		return err
	}
	page, err := ceremony.Script(r)
	if err != nil {
		return err
	}
	return writePage(o.Factory, o.out, page)
}

// writePage writes a page to a new file, or to standard output where none is named.
func writePage(f *cmdutil.Factory, file string, page []byte) error {
	if file != "" {
		return durable.Write(file, page, 0o644)
	}
	return cmdutil.PrintData(f.Out, page)
}

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

type requestShowOptions struct {
	*cmdutil.Factory
	path string
}

func newRequestShowCmd(f *cmdutil.Factory) *cobra.Command {
	o := &requestShowOptions{Factory: f}
	return cmdutil.Command(o, runRequestShow, "show REQUEST", "Check a request and print everything that it asks to sign", "", &o.path)
}

func runRequestShow(_ context.Context, o *requestShowOptions) error {
	r, err := request.Open(o.path)
	if err != nil {
		return err
	}
	return show.PrintRequest(o.Factory, r)
}

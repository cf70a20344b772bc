package ceremony

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/durable"
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

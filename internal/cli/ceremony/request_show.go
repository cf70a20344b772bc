package ceremony

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/show"
)

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

package publish

import (
	"context"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/publish"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
)

type buildOptions struct {
	*cmdutil.Factory
	file  string
	build func(d *trustdir.Dir) (*publish.Built, error)
}

func newBuildCmd(f *cmdutil.Factory, file, short string, build func(*trustdir.Dir) (*publish.Built, error)) *cobra.Command {
	o := &buildOptions{Factory: f, file: file, build: build}
	return cmdutil.Command(o, runBuild, "build", short,
		short+".\n\n"+
			"The same ledger, plan and files give the same bytes on any machine. Nothing\n"+
			"is written where the linter finds an error or a published entry would be\n"+
			"lost. The file goes to standard output too.")
}

func runBuild(_ context.Context, o *buildOptions) error {
	d, err := trustdir.Open(o.Dir)
	if err != nil {
		return err
	}
	built, err := o.build(d)
	if err != nil {
		return err
	}
	for _, finding := range built.Findings {
		o.Progress("%s", finding)
	}
	for _, change := range built.Changes {
		o.Progress("%s", change)
	}
	o.Progress("wrote %s", filepath.Join(o.Dir, filepath.FromSlash(o.file)))
	return cmdutil.PrintData(o.Out, built.Data)
}

package publish

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/internal/publish"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

type renderOptions struct {
	*cmdutil.Factory
	names []string
	to    string
}

func newRenderCmd(f *cmdutil.Factory) *cobra.Command {
	o := &renderOptions{Factory: f}
	cmd := cmdutil.CommandOfMany(o, runRender, "render TARGET...",
		"Write the trust root in the forms that its consumers read",
		"Write the trust root in the forms that its consumers read, from ledger and\n"+
			"plan. The same ledger, plan and published TUF root give the same bytes.\n\n"+
			"TARGET is one of\n  "+strings.Join(plan.Forms, "\n  ")+"\n\n"+
			"One target goes to standard output, several into the existing folder --out.\n"+
			"What the plan's publish.render names is written by trusted-root build too,\n"+
			"beside trusted_root.json.", 1, &o.names)
	cmd.Flags().StringVar(&o.to, "out", "", "folder to write into, in place of standard output")
	return cmd
}

func runRender(_ context.Context, o *renderOptions) error {
	if len(o.names) > 1 && o.to == "" {
		return cmdutil.Usage("name a folder with --out", "several forms cannot go to standard output together")
	}
	d, err := trustdir.Open(o.Dir)
	if err != nil {
		return err
	}
	files := map[string][]byte{}
	for _, name := range o.names {
		file, data, err := publish.Render(d, name)
		if err != nil {
			return fmt.Errorf("%w; nothing was written", err)
		}
		if o.to == "" {
			return cmdutil.PrintData(o.Out, data)
		}
		files[file] = data
	}
	for name, data := range files {
		if err := durable.Write(filepath.Join(o.to, name), data, 0o644); err != nil {
			return err
		}
		o.Progress("wrote %s", filepath.Join(o.to, name))
	}
	return nil
}

type bundleOptions struct {
	*cmdutil.Factory
	to string
}

func newTUFBundleCmd(f *cmdutil.Factory) *cobra.Command {
	o := &bundleOptions{Factory: f}
	cmd := cmdutil.Command(o, runTUFBundle, "bundle --out FILE",
		"Pack the published repository for places without network",
		`Pack the published repository, metadata and targets, as a tar.gz with the same
bytes on any machine. Unpack it where a mirror is served, or give its folder to
trustroot verify as the policy's trust.repository. It expires as the repository
does: bring a newer one before its timestamp ends.`)
	cmd.Flags().StringVar(&o.to, "out", "", "file to write")
	return cmd
}

func runTUFBundle(_ context.Context, o *bundleOptions) error {
	if o.to == "" {
		return cmdutil.Usage("name it with --out", "there is no file to write to")
	}
	d, err := trustdir.Open(o.Dir)
	if err != nil {
		return err
	}
	data, err := publish.PackRepository(d)
	if err != nil {
		return err
	}
	if err := durable.Write(o.to, data, 0o644); err != nil {
		return err
	}
	o.Progress("wrote %s", o.to)
	return nil
}

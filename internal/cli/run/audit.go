package run

import (
	"context"
	"fmt"
	"path"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/audit"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/lint"
)

type auditOptions struct {
	*cmdutil.Factory
	folder    string
	rehearsal bool
}

func (o *auditOptions) judge() audit.Options {
	return audit.Options{Linter: lint.New(), Rehearsal: o.rehearsal}
}

func newAuditPackCmd(f *cmdutil.Factory) *cobra.Command {
	o := &auditOptions{Factory: f}
	cmd := cmdutil.Command(o, runAuditPack, "pack FOLDER",
		"Write the folder that an auditor is given",
		`Write the folder that an auditor is given: the inventory and the life of every
key and device, certificates, CRLs, exceptions, and every record with what
verifying it proves. Each row names a file, its digest, and the command that
checks it. The same trust directory gives the same bytes.`, &o.folder)
	cmdutil.RehearsalFlag(cmd, &o.rehearsal)
	return cmd
}

func runAuditPack(_ context.Context, o *auditOptions) error {
	d, err := trustdir.Open(o.Dir)
	if err != nil {
		return err
	}
	files, err := audit.Pack(d, o.judge())
	if err != nil {
		return err
	}
	if err := courier.NewFolder(o.folder, files); err != nil {
		return err
	}
	o.Progress("%d files; begin with %s, and check the pack with: trustroot audit check %s", len(files), path.Join(filepath.ToSlash(o.folder), audit.PageFile), o.folder)
	return nil
}

func newAuditCheckCmd(f *cmdutil.Factory) *cobra.Command {
	o := &auditOptions{Factory: f}
	cmd := cmdutil.Command(o, runAuditCheck, "check FOLDER",
		"Check an auditor's folder: every digest, and that its own files make every row again",
		"", &o.folder)
	cmdutil.RehearsalFlag(cmd, &o.rehearsal)
	return cmd
}

func runAuditCheck(_ context.Context, o *auditOptions) error {
	rows, err := audit.Check(o.folder, o.judge())
	if err != nil {
		return err
	}
	return cmdutil.PrintText(o.Out, fmt.Sprintf("%d rows, each is what the pack's own directory makes\n", rows))
}

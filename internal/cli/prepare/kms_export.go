package prepare

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cloud"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/export"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/kms"
	"github.com/linnemanlabs/trustroot/pki"
)

type kmsExportOptions struct {
	*cmdutil.Factory
	names []string
	check string
}

func newKMSCSRCmd(f *cmdutil.Factory) *cobra.Command {
	o := &kmsExportOptions{Factory: f}
	return cmdutil.CommandOfMany(o, runKMSCSR, "csr [AUTHORITY...]",
		"Have KMS sign the certification requests of the plan's authorities",
		"Have KMS sign the certification requests of the plan's authorities, three calls\n"+
			"a key, and write each beside the evidence of its key. Authorities that have\n"+
			"their certificate are left alone, requests that are there already are checked\n"+
			"and kept. Unless every key can be read, nothing is written. Where the plan's kms\n"+
			"section says who may use the keys, their policies are checked first.", 0, &o.names)
}

func newKMSExportCmd(f *cmdutil.Factory) *cobra.Command {
	o := &kmsExportOptions{Factory: f}
	cmd := cmdutil.CommandOfMany(o, runKMSExport, "export [LOG|APP...]",
		"Write the public keys of the plan's logs and applications",
		"Write the public keys of the plan's logs and applications as PEM, two calls a key.\n"+
			"Files that are there already are held against KMS and kept. Unless every key\n"+
			"can be read, nothing is written. An application's pinned key is entered into the\n"+
			"ledger; a log's key waits for `trustroot log add`.\n\n"+
			"With --check nothing is written: a copy that somebody has baked in is held\n"+
			"against KMS and the plan, and another key is the exit code 5.", 0, &o.names)
	cmd.Flags().StringVar(&o.check, "check", "", "a copy of a public key, PEM or JSON, to hold against KMS")
	return cmd
}

func runKMSCSR(ctx context.Context, o *kmsExportOptions) error {
	d, client, err := cloud.Open(ctx, o.Factory, "")
	if err != nil {
		return err
	}
	if err := checkMeant(ctx, o.Factory, d); err != nil {
		return err
	}
	done, err := export.CSRs(d, ctx, client, o.names, o.Now)
	return o.report(done, err)
}

func runKMSExport(ctx context.Context, o *kmsExportOptions) error {
	d, client, err := cloud.Open(ctx, o.Factory, "")
	if err != nil {
		return err
	}
	if o.check != "" {
		return o.checkCopy(ctx, d, client)
	}
	done, err := export.Keys(d, ctx, client, o.names, o.Now)
	return o.report(done, err)
}

func (o *kmsExportOptions) checkCopy(ctx context.Context, d *trustdir.Dir, client *kms.Client) error {
	if len(o.names) > 1 {
		return cmdutil.Usage("give one name, or none to have the copy found among all", "--check holds one copy against one key")
	}
	data, err := cmdutil.ReadBounded(o.check, pki.MaxEvidence)
	if err != nil {
		return err
	}
	e, err := export.CheckCopy(d, ctx, client, strings.Join(o.names, ""), data)
	if err != nil {
		return fmt.Errorf("%s: %w", o.check, err)
	}
	return o.Print(e, fmt.Sprintf("%s holds the key of %s: %s\n", o.check, e, e.SPKISHA256))
}

// report prints what was read, also when another key could not be.
func (o *kmsExportOptions) report(done []export.Exported, err error) error {
	if err != nil && len(done) > 0 {
		o.Progress("%d keys could be read; nothing is written until all can be", len(done))
	}
	if err == nil && len(done) == 0 {
		o.Progress("no key of the plan waits for this; nothing was written")
	}
	text := cmdutil.Table(func(w *tabwriter.Writer) { printExported(w, done) })
	return errors.Join(o.Print(append([]export.Exported{}, done...), text), err)
}

func printExported(w *tabwriter.Writer, done []export.Exported) {
	for _, e := range done {
		term.Fprintf(w, "%s\t%s, %s\n\tSPKI SHA-256\t%s\n", e, e.Dir, e.State, e.SPKISHA256)
		if e.Verifier != "" {
			term.Fprintf(w, "\tlog ID\t%s\n\tkey hash\t%s\n\tverifier\t%s\n", e.LogID, e.KeyHash, e.Verifier)
		}
	}
}

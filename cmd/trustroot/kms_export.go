package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/app"
	"github.com/linnemanlabs/trustroot/kms"
)

type kmsExportOptions struct {
	*factory
	names []string
}

func newKMSCSRCmd(f *factory, run func(context.Context, *kmsExportOptions) error) *cobra.Command {
	o := &kmsExportOptions{factory: f}
	return &cobra.Command{
		Use:   "csr [AUTHORITY...]",
		Short: "Have KMS sign the certification requests of the plan's authorities",
		RunE: func(c *cobra.Command, args []string) error {
			o.names = args
			return run(c.Context(), o)
		},
	}
}

func newKMSExportCmd(f *factory, run func(context.Context, *kmsExportOptions) error) *cobra.Command {
	o := &kmsExportOptions{factory: f}
	return &cobra.Command{
		Use:   "export [LOG|APP...]",
		Short: "Write the public keys of the plan's logs and applications",
		RunE: func(c *cobra.Command, args []string) error {
			o.names = args
			return run(c.Context(), o)
		},
	}
}

// exporter is one of the directory's ways to write what KMS holds.
type exporter func(*app.Directory, context.Context, *kms.Client, []string, time.Time) ([]app.Exported, error)

func runKMSCSR(ctx context.Context, o *kmsExportOptions) error {
	return runExport(ctx, o, (*app.Directory).ExportCSRs)
}

func runKMSExport(ctx context.Context, o *kmsExportOptions) error {
	return runExport(ctx, o, (*app.Directory).ExportKeys)
}

func runExport(ctx context.Context, o *kmsExportOptions, export exporter) error {
	d, err := app.Open(o.dir)
	if err != nil {
		return err
	}
	client, err := o.kmsClient(ctx, "")
	if err != nil {
		return err
	}
	done, err := export(d, ctx, client, o.names, o.now)
	if err != nil {
		return err
	}
	if o.json {
		return printJSON(o.out, done)
	}
	return printExported(o.out, done)
}

func printExported(out io.Writer, done []app.Exported) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, e := range done {
		fmt.Fprintf(w, "%s g%d\t%s\n\tSPKI SHA-256\t%s\n", e.Name, e.Generation, e.Dir, e.SPKISHA256) //nolint:errcheck // Flush reports it
		if e.Verifier != "" {
			fmt.Fprintf(w, "\tlog ID\t%s\n\tkey hash\t%s\n\tverifier\t%s\n", e.LogID, e.KeyHash, e.Verifier) //nolint:errcheck // Flush reports it
		}
	}
	return w.Flush()
}

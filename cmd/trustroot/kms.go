package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/app"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/kms"
)

func newKMSCmd(f *factory) *cobra.Command {
	cmd := &cobra.Command{Use: "kms", Short: "The keys in AWS KMS", RunE: help}
	cmd.AddCommand(
		newKMSListCmd(f, runKMSList),
		newKMSCreateCmd(f, runKMSCreate),
		newKMSCSRCmd(f, runKMSCSR),
		newKMSExportCmd(f, runKMSExport),
	)
	return cmd
}

// kmsClient returns a client for the keys' account; role is the one to assume
// there for what does not cross accounts, and may be empty.
func (f *factory) kmsClient(ctx context.Context, role string) (*kms.Client, error) {
	return kms.New(ctx, kms.Options{KeyAccountRole: role, Progress: func(text string) { f.progress("%s", text) }})
}

type kmsListOptions struct {
	*factory
	pin bool
}

func newKMSListCmd(f *factory, run func(context.Context, *kmsListOptions) error) *cobra.Command {
	o := &kmsListOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Show every key of the plan beside what KMS says of it",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return run(c.Context(), o) },
	}
	cmd.Flags().BoolVar(&o.pin, "pin", false, "print the plan's lines that pin each key, for a second person to compare")
	return cmd
}

func runKMSList(ctx context.Context, o *kmsListOptions) error {
	d, err := app.Open(o.dir)
	if err != nil {
		return err
	}
	client, err := o.kmsClient(ctx, "")
	if err != nil {
		return err
	}
	rows, err := client.List(ctx, d.Plan)
	if o.json {
		return errors.Join(printJSON(o.out, rows), err)
	}
	w := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		if o.pin {
			fmt.Fprint(w, r.Pin()) //nolint:errcheck // Flush reports it
			continue
		}
		verdict := "as planned"
		if r.Unreachable != "" {
			verdict = "not read"
		} else if len(r.Problems) > 0 {
			verdict = strings.Join(r.Problems, "; ")
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.Planned, r.KeyARN, r.Spec, r.State, r.Found, verdict) //nolint:errcheck // Flush reports it
	}
	return errors.Join(w.Flush(), err)
}

type kmsCreateOptions struct {
	*factory
	role   string
	prefix string
}

func newKMSCreateCmd(f *factory, run func(context.Context, *kmsCreateOptions) error) *cobra.Command {
	o := &kmsCreateOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Make the keys of the plan that name no ARN yet, and print their pins",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return run(c.Context(), o) },
	}
	cmd.Flags().StringVar(&o.role, "key-account-role", "", "ARN of a role in the account that holds the keys")
	cmd.Flags().StringVar(&o.prefix, "alias-prefix", "trustroot", "first part of the new keys' aliases")
	return cmd
}

func runKMSCreate(ctx context.Context, o *kmsCreateOptions) error {
	d, err := app.Open(o.dir)
	if err != nil {
		return err
	}
	steps, err := kms.Missing(d.Plan, kms.MissingOptions{Prefix: o.prefix})
	if err != nil {
		return err
	}
	if len(steps) == 0 {
		o.progress("every key of the plan names its ARN; nothing was made")
		return nil
	}
	text := "These keys will be made in KMS, or found where an earlier run made them:\n"
	for _, s := range steps {
		text += "  " + s.String() + "\n"
	}
	if err := o.operator.Confirm(term.Question{
		Text: strings.TrimSpace(text),
		Yes:  "the keys are made; their ARNs and pins are printed for the plan",
		No:   "nothing is made",
	}); err != nil {
		return err
	}
	client, err := o.kmsClient(ctx, o.role)
	if err != nil {
		return err
	}
	made, err := client.CreateMissing(ctx, steps)
	if o.json {
		return errors.Join(printJSON(o.out, made), err)
	}
	for _, m := range made {
		err = errors.Join(printText(o.out, m.Pin()), err)
	}
	return err
}

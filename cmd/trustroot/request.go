package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/internal/app"
	"github.com/linnemanlabs/trustroot/pki"
)

// maxCSR bounds a certification request from a file, in bytes.
const maxCSR = 16 << 10

func newRequestCmd(f *factory) *cobra.Command {
	cmd := &cobra.Command{Use: "request", Short: "What crosses to the ceremony host", RunE: help}
	cmd.AddCommand(newRequestCreateCmd(f, runRequestCreate), newRequestShowCmd(f, runRequestShow))
	return cmd
}

type requestCreateOptions struct {
	*factory
	ceremony string
	out      string
	csrs     []string
}

func newRequestCreateCmd(f *factory, run func(context.Context, *requestCreateOptions) error) *cobra.Command {
	o := &requestCreateOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Gather what a ceremony of the plan needs, as a folder and one tar",
		Long: "Gather what a ceremony of the plan needs, as a folder and one tar: the\n" +
			"certification requests that `trustroot kms csr` wrote, their evidence, the plan,\n" +
			"the ledger and the certificates that are there. The digest is printed in hex\n" +
			"groups and in words, to be written on paper.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return run(c.Context(), o) },
	}
	cmd.Flags().StringVar(&o.ceremony, "ceremony", "", "name of the ceremony in the plan (default: its only one)")
	cmd.Flags().StringVar(&o.out, "out", ".", "folder to write to, such as the mounted stick")
	cmd.Flags().StringArrayVar(&o.csrs, "csr", nil, "certification request whose key is not in KMS; the plan calls the key external and pins it (repeatable)")
	return cmd
}

func runRequestCreate(_ context.Context, o *requestCreateOptions) error {
	d, err := app.Open(o.dir)
	if err != nil {
		return err
	}
	csrs := map[string][]byte{}
	for _, path := range o.csrs {
		if csrs[path], err = readBounded(path, maxCSR); err != nil {
			return err
		}
	}
	r, err := d.CreateRequest(o.ceremony, o.out, csrs, o.now)
	if err != nil {
		return err
	}
	o.progress("wrote %s and %s.tar; write the words down on paper", r.Path, r.Path)
	return o.printRequest(r)
}

type requestShowOptions struct {
	*factory
	path string
}

func newRequestShowCmd(f *factory, run func(context.Context, *requestShowOptions) error) *cobra.Command {
	o := &requestShowOptions{factory: f}
	return &cobra.Command{
		Use:   "show REQUEST",
		Short: "Check a request and print everything that it asks to sign",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.path = args[0]
			return run(c.Context(), o)
		},
	}
}

func runRequestShow(_ context.Context, o *requestShowOptions) error {
	r, err := request.Open(o.path)
	if err != nil {
		return err
	}
	return o.printRequest(r)
}

// requestJSON is the --json twin of a request's text.
type requestJSON struct {
	request.Manifest
	Digest string `json:"digest"` // hex SHA-256 of the request's SHA256SUMS
	Words  string `json:"words"`
	Text   string `json:"text"` // what is printed without --json
}

func (f *factory) printRequest(r *request.Request) error {
	if f.json {
		digest := r.Digest()
		return printJSON(f.out, requestJSON{r.Manifest, fmt.Sprintf("%x", digest), pki.Words(digest[:]), r.String()})
	}
	return printText(f.out, r.String())
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/app"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/pki/tuf"
	"github.com/linnemanlabs/trustroot/yubikey"
)

func newTUFCmd(f *factory) *cobra.Command {
	cmd := &cobra.Command{Use: "tuf", Short: "The repository that verifiers fetch", RunE: help}
	cmd.AddCommand(
		newTUFJoinCmd(f, runTUFJoin),
		newTUFInitCmd(f, runTUFInit),
		newTUFSignCmd(f, runTUFSign),
		newTUFPublishCmd(f, runTUFPublish),
		newTUFVerifyCmd(f, runTUFVerify),
	)
	return cmd
}

type tufInitOptions struct{ *factory }

func newTUFInitCmd(f *factory, run func(context.Context, *tufInitOptions) error) *cobra.Command {
	o := &tufInitOptions{factory: f}
	return &cobra.Command{
		Use:   "init",
		Short: "Stage the first root and targets for the holders to sign",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return run(c.Context(), o) },
	}
}

func runTUFInit(ctx context.Context, o *tufInitOptions) error {
	d, err := app.Open(o.dir)
	if err != nil {
		return err
	}
	client, err := o.kmsClient(ctx, "")
	if err != nil {
		return err
	}
	staged, err := d.StageTUF(ctx, client, o.now)
	if err != nil {
		return err
	}
	o.progress("staged in %s; each holder signs it with `trustroot tuf sign %s`", staged.Dir(), staged.Dir())
	return printText(o.out, staged.Describe())
}

type tufSignOptions struct {
	*factory
	staged string
	serial uint32
	slot   string
	holder string
}

func newTUFSignCmd(f *factory, run func(context.Context, *tufSignOptions) error) *cobra.Command {
	o := &tufSignOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "sign STAGED",
		Short: "Show a staged change and sign it with a holder's token",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.staged = args[0]
			return run(c.Context(), o)
		},
	}
	serialFlag(cmd, &o.serial)
	cmd.Flags().StringVar(&o.slot, "slot", "9a", "slot of the holder's key")
	cmd.Flags().StringVar(&o.holder, "holder", "", "who signs")
	return cmd
}

func runTUFSign(ctx context.Context, o *tufSignOptions) (err error) {
	staged, err := tuf.OpenStaged(o.staged)
	if err != nil {
		return err
	}
	if o.holder == "" {
		return usage("name yourself with --holder, as the plan does", "--holder is missing")
	}
	token, err := o.openToken(ctx, o.serial)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, token.Close()) }()
	info, err := token.Slot(yubikey.Slot(o.slot))
	if err != nil {
		return err
	}
	if err := o.operator.Confirm(term.Question{
		Text: staged.Describe(),
		Yes:  fmt.Sprintf("YubiKey %d signs all of it; each version needs a touch", o.serial),
		No:   "nothing is signed",
		Type: "sign",
	}); err != nil {
		return err
	}
	signer, err := token.Signer(yubikey.Slot(o.slot), info.PublicKey)
	if err != nil {
		return err
	}
	if err := staged.Sign(o.holder, signer); err != nil {
		return err
	}
	missing, err := staged.Missing()
	if err != nil {
		return err
	}
	for _, text := range missing {
		o.progress("still missing: %s", text)
	}
	return nil
}

type tufPublishOptions struct {
	*factory
	staged string
	to     string
}

func newTUFPublishCmd(f *factory, run func(context.Context, *tufPublishOptions) error) *cobra.Command {
	o := &tufPublishOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "publish STAGED",
		Short: "Merge a signed change and publish it: targets first, timestamp last",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.staged = args[0]
			return run(c.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.to, "to", "", "folder or s3://BUCKET that is served")
	return cmd
}

func runTUFPublish(ctx context.Context, o *tufPublishOptions) error {
	if o.to == "" {
		return usage("name the place with --to", "--to is missing")
	}
	d, err := app.Open(o.dir)
	if err != nil {
		return err
	}
	client, err := o.kmsClient(ctx, "")
	if err != nil {
		return err
	}
	published, err := d.PublishTUF(ctx, client, o.staged, o.to, o.now)
	if err != nil {
		return err
	}
	if o.json {
		return printJSON(o.out, published)
	}
	for _, name := range published.Written {
		if err := printText(o.out, "wrote  "+name+"\n"); err != nil {
			return err
		}
	}
	return nil
}

type tufVerifyOptions struct {
	*factory
	from string
	root string
}

func newTUFVerifyCmd(f *factory, run func(context.Context, *tufVerifyOptions) error) *cobra.Command {
	o := &tufVerifyOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "verify DIR|URL",
		Short: "Check a repository as clients do, and what they do not check",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.from = args[0]
			return run(c.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.root, "root", "", "the root.json to start from")
	return cmd
}

func runTUFVerify(ctx context.Context, o *tufVerifyOptions) error {
	if o.root == "" {
		return usage("name the first root that you trust with --root", "--root is missing")
	}
	root, err := readFile(o.root)
	if err != nil {
		return err
	}
	report, err := tuf.Verify(ctx, o.from, root, o.now)
	if err != nil {
		return err
	}
	if o.json {
		return printJSON(o.out, report)
	}
	return printReport(o.out, report)
}

func printReport(out io.Writer, r *tuf.Report) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, role := range r.Roles {
		fmt.Fprintf(w, "%s\tversion %d\t%d of %d signed\tuntil %s\n", role.Role, role.Version.Version, len(role.Signed), role.Threshold, role.Expires.Format(time.DateOnly)) //nolint:errcheck // Flush reports it
	}
	for _, t := range r.Targets {
		fmt.Fprintf(w, "%s\t%d bytes\t%s\t\n", t.Name, t.Size, t.SHA256) //nolint:errcheck // Flush reports it
	}
	for _, text := range r.Warnings {
		fmt.Fprintf(w, "warning: %s\n", text) //nolint:errcheck // Flush reports it
	}
	return w.Flush()
}

package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/internal/app"
	"github.com/linnemanlabs/trustroot/pki/lint"
	"github.com/linnemanlabs/trustroot/yubikey"
)

func newCeremonyCmd(f *factory) *cobra.Command {
	cmd := &cobra.Command{Use: "ceremony", Short: "The day at the root's token", RunE: help}
	cmd.AddCommand(
		newCeremonyRunCmd(f, "root", "Make the root key and sign the certificates of a request", ceremony.Root),
		newCeremonyRunCmd(f, "sign", "Sign the certificates of a request with the root key", ceremony.Sign),
		newCeremonyVerifyCmd(f, runCeremonyVerify),
		newCeremonyAcceptCmd(f, runCeremonyAccept),
	)
	return cmd
}

// ceremonyRunner is ceremony.Root or ceremony.Sign.
type ceremonyRunner func(context.Context, ceremony.Options) (string, error)

type ceremonyRunOptions struct {
	*factory
	request      string
	serial       uint32
	out          string
	allowNetwork bool
	rehearsal    bool
}

func newCeremonyRunCmd(f *factory, name, short string, run ceremonyRunner) *cobra.Command {
	o := &ceremonyRunOptions{factory: f}
	cmd := &cobra.Command{
		Use:   name + " REQUEST",
		Short: short,
		Long:  short + ".\n\nCut at any instant, the same command goes on.",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.request = args[0]
			return runCeremony(c.Context(), o, run)
		},
	}
	serialFlag(cmd, &o.serial)
	cmd.Flags().StringVar(&o.out, "out", ".", "folder to write the record to, such as the mounted stick")
	cmd.Flags().BoolVar(&o.allowNetwork, "allow-network", false, "go on although this host has a network; the record says so")
	rehearsalFlag(cmd, &o.rehearsal)
	return cmd
}

func rehearsalFlag(cmd *cobra.Command, into *bool) {
	cmd.Flags().BoolVar(into, "rehearsal", false, "accept the virtual token that the rehearsal's own plan pins")
}

func runCeremony(ctx context.Context, o *ceremonyRunOptions, run ceremonyRunner) error {
	if o.serial == 0 {
		_, err := o.openToken(ctx, 0)
		return err
	}
	r, err := request.Open(o.request)
	if err != nil {
		return err
	}
	roots, err := ceremony.Roots(r.Plan, o.rehearsal)
	if err != nil {
		return err
	}
	host, err := ceremony.InspectHost()
	if err != nil {
		return err
	}
	for _, missing := range yubikey.Harden() {
		o.progress("secrets are less protected here: %s", missing)
	}
	path, err := run(ctx, ceremony.Options{
		Request:  r,
		Serial:   o.serial,
		Out:      o.out,
		Operator: o.operator,
		Linter:   lint.New(),
		Roots:    roots,
		Now:      o.now,
		Host:     host,
		Open: func(ctx context.Context, serial uint32) (ceremony.Device, error) {
			return yubikey.Open(ctx, serial, prompter{o.operator})
		},
		AllowNetwork: o.allowNetwork,
	})
	if err != nil {
		return err
	}
	o.progress("the record is in %s; carry it back, check it with `trustroot ceremony verify`, and switch this machine off", path)
	return printText(o.factory.out, path+"\n")
}

type ceremonyVerifyOptions struct {
	*factory
	record    string
	rehearsal bool
}

func newCeremonyVerifyCmd(f *factory, run func(context.Context, *ceremonyVerifyOptions) error) *cobra.Command {
	o := &ceremonyVerifyOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "verify RECORD",
		Short: "Check a ceremony's record, claim by claim, with no token and no network",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.record = args[0]
			return run(c.Context(), o)
		},
	}
	rehearsalFlag(cmd, &o.rehearsal)
	return cmd
}

func runCeremonyVerify(_ context.Context, o *ceremonyVerifyOptions) error {
	verified, err := ceremony.Verify(o.record, ceremony.VerifyOptions{Linter: lint.New(), Rehearsal: o.rehearsal})
	if verified == nil {
		return err
	}
	return errors.Join(o.printClaims(verified), err)
}

func (f *factory) printClaims(v *ceremony.Verified) error {
	if f.json {
		return printJSON(f.out, v.Claims)
	}
	text := ""
	if v.Request.Plan.Rehearsal != nil {
		text = "REHEARSAL: the token is virtual and proves nothing.\n"
	}
	for _, c := range v.Claims {
		text += fmt.Sprintf("holds  %s\n       by %s\n", c.Text, c.By)
	}
	return printText(f.out, text)
}

type ceremonyAcceptOptions struct {
	*factory
	record    string
	rehearsal bool
}

func newCeremonyAcceptCmd(f *factory, run func(context.Context, *ceremonyAcceptOptions) error) *cobra.Command {
	o := &ceremonyAcceptOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "accept RECORD",
		Short: "Check a record and file it into the trust directory and the ledger",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.record = args[0]
			return run(c.Context(), o)
		},
	}
	rehearsalFlag(cmd, &o.rehearsal)
	return cmd
}

func runCeremonyAccept(_ context.Context, o *ceremonyAcceptOptions) error {
	d, err := app.Open(o.dir)
	if err != nil {
		return err
	}
	accepted, err := d.Accept(o.record, ceremony.VerifyOptions{Linter: lint.New(), Rehearsal: o.rehearsal}, o.now)
	if err != nil {
		return err
	}
	if o.json {
		return printJSON(o.out, accepted)
	}
	for _, c := range accepted {
		if err := printText(o.out, fmt.Sprintf("%s g%d  serial %s  %s\n", c.Authority, c.Generation, c.Serial, c.File.Path)); err != nil {
			return err
		}
	}
	return nil
}

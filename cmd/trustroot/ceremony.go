package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/pki/lint"
	"github.com/linnemanlabs/trustroot/yubikey"
)

func newCeremonyCmd(f *factory) *cobra.Command {
	cmd := &cobra.Command{Use: "ceremony", Short: "The day at the root's token", RunE: help}
	cmd.AddCommand(
		newCeremonyRunCmd(f, "root", "Make the root key and sign the certificates of a request", ceremony.Root),
		newCeremonyRunCmd(f, "sign", "Sign the certificates of a request with the root key", ceremony.Sign),
		newCeremonyVerifyCmd(f, runCeremonyVerify),
		newCeremonyReportCmd(f, runCeremonyReport),
		newCeremonyWitnessCmd(f, runCeremonyWitness),
		newCeremonyAcceptCmd(f, runCeremonyAccept),
		newCeremonyAnchorCmd(f, runCeremonyAnchor),
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
	host, err := ceremony.InspectHost(o.out, yubikey.Harden())
	if err != nil {
		return err
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
			return yubikey.Open(ctx, serial, newCountingPrompter(o.operator))
		},
		AllowNetwork: o.allowNetwork,
	})
	if err != nil {
		return err
	}
	o.progress("the record is in %s; carry it back, check it with `trustroot ceremony verify`, and switch this machine off", path)
	return printText(o.factory.out, path+"\n")
}

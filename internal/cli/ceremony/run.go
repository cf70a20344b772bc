package ceremony

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/device"
	"github.com/linnemanlabs/trustroot/pki/lint"
	"github.com/linnemanlabs/trustroot/yubikey"
)

type ceremonyRunOptions struct {
	*cmdutil.Factory
	request      string
	serial       uint32
	out          string
	allowNetwork bool
	rehearsal    bool
}

func newCeremonyRunCmd(f *cmdutil.Factory, run func(context.Context, *ceremonyRunOptions) error) *cobra.Command {
	o := &ceremonyRunOptions{Factory: f}
	cmd := &cobra.Command{
		Use:   "run REQUEST",
		Short: "Hold the ceremony of a request: make the root key, or find it, and sign",
		Long: `Hold the ceremony of a request at the root's token: make the root key where the
request holds no root certificate, or find the key of the one that it holds, and
sign what the request asks for.

If interrupted at any instant, run the same command again to resume.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.request = args[0]
			return run(c.Context(), o)
		},
	}
	cmdutil.SerialFlag(cmd, &o.serial)
	cmd.Flags().StringVar(&o.out, "out", ".", "folder to write the record to, such as the mounted stick")
	cmd.Flags().BoolVar(&o.allowNetwork, "allow-network", false, "go on although this host has a network; the record says so")
	cmdutil.RehearsalFlag(cmd, &o.rehearsal)
	return cmd
}

func runCeremony(ctx context.Context, o *ceremonyRunOptions) error {
	if o.serial == 0 {
		_, err := device.Open(ctx, o.Factory, 0)
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
	path, err := ceremony.Run(ctx, ceremony.Options{
		Request:  r,
		Serial:   o.serial,
		Out:      o.out,
		Operator: o.Operator,
		Linter:   lint.New(),
		Roots:    roots,
		Now:      o.Now,
		Host:     host,
		Open: func(ctx context.Context, serial uint32) (ceremony.Device, error) {
			return yubikey.Open(ctx, serial, device.NewCountingPrompter(o.Operator))
		},
		AllowNetwork: o.allowNetwork,
	})
	if err != nil {
		return err
	}
	o.Progress("the record is in %s; carry it back, check it with `trustroot ceremony verify`, and switch this machine off", path)
	return cmdutil.PrintText(o.Factory.Out, path+"\n")
}

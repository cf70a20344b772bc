package ceremony

import (
	"context"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/device"
	"github.com/linnemanlabs/trustroot/internal/sandbox"
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
		RunE: cmdutil.One(&o.request, o, run),
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
	host, err := o.inspect()
	if err != nil {
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
	return cmdutil.PrintText(o.Out, path+"\n")
}

// inspect looks at the machine. The offline program then gives up what it has
// no use for, so that nothing on the stick is read by a process with more.
func (o *ceremonyRunOptions) inspect() (ceremony.Host, error) {
	look := func() (ceremony.Host, error) { return ceremony.InspectHost(o.out, yubikey.Harden()) }
	if !o.Confined {
		host, err := look()
		host.Open = []string{"everything: only trustroot-offline gives up what it has no use for"}
		return host, err
	}
	paths := sandbox.Paths{Write: []string{o.out}}
	for _, path := range []string{o.request, filepath.Dir(os.Getenv("PCSCLITE_CSOCK_NAME"))} {
		if _, err := os.Stat(path); err == nil && path != "." {
			paths.Read = append(paths.Read, path)
		}
	}
	host, report, err := sandbox.Enter(paths, look)
	if err != nil {
		return ceremony.Host{}, err
	}
	host.Unprotected = append([]string{}, yubikey.Harden()...) // of this process, not of the one that looked
	host.Denied, host.Open = report.Denied, report.Open
	return host, nil
}

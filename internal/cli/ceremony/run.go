package ceremony

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/device"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/sandbox"
	"github.com/linnemanlabs/trustroot/pki/lint"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/yubikey"
)

type ceremonyRunOptions struct {
	*cmdutil.Factory
	request      string
	serial       uint32
	out          string
	split        bool
	allowNetwork bool
	rehearsal    bool
}

func newCeremonyRunCmd(f *cmdutil.Factory) *cobra.Command {
	o := &ceremonyRunOptions{Factory: f}
	cmd := cmdutil.Command(o, runCeremony, "run STICK|REQUEST",
		"Hold the ceremony of a request: make the root key, or find it, and sign",
		`Hold the ceremony of a request at the root's token: make the root key where the
request holds no root certificate, or find the key of the one that it holds, and
sign what the request asks for. Of a stick it takes the newest request and writes
the record beside it. The token is the one that the plan in the request names;
where its root key is still to be made, one as the factory made it gets a new PIN,
PUK and management key first.

If interrupted at any instant, run the same command again to resume.`, &o.request)
	cmdutil.SerialFlag(cmd, &o.serial)
	cmd.Flags().StringVar(&o.out, "out", "", "folder to write the record to (default: the stick, or the current folder)")
	cmd.Flags().BoolVar(&o.split, "split-pin", false, "a new token: two people type half of the PIN and of the PUK each")
	cmd.Flags().BoolVar(&o.allowNetwork, "allow-network", false, "go on although this host has a network; the record says so")
	cmdutil.RehearsalFlag(cmd, &o.rehearsal)
	return cmd
}

func runCeremony(ctx context.Context, o *ceremonyRunOptions) error {
	if err := o.onStick(); err != nil {
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
	o.serial = cmp.Or(o.serial, r.Plan.Ceremonies[r.Manifest.Ceremony].Token)
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
		Ready:        func(ctx context.Context) error { return o.ready(ctx, r.Plan) },
	})
	if err != nil {
		return err
	}
	o.Progress("the record is in %s; carry it back, check it with `trustroot ceremony verify`, and switch this machine off", path)
	return cmdutil.PrintText(o.Out, path+"\n")
}

// requestName is the tar of a request as a stick has it.
var requestName = regexp.MustCompile(`^[0-9]{4}-[a-z0-9-]+\.tar$`)

// onStick takes the newest request of a stick, where one was named, and writes
// the record to it.
func (o *ceremonyRunOptions) onStick() error {
	entries, err := os.ReadDir(o.request)
	_, folder := os.Stat(filepath.Join(o.request, request.ManifestFile))
	if err != nil || folder == nil {
		o.out = cmp.Or(o.out, ".")
		return nil //nolint:nilerr // a request, which says itself what it lacks
	}
	newest := ""
	for _, e := range entries {
		if requestName.MatchString(e.Name()) {
			newest = max(newest, e.Name()) // the sequence number comes first
		}
	}
	if newest == "" {
		return fault.New(fault.Usage, "write one with `trustroot request create --out STICK`, or name the request", fmt.Errorf("%s holds no request", o.request))
	}
	o.out = cmp.Or(o.out, o.request)
	o.request = filepath.Join(o.request, newest)
	return nil
}

// ready makes a new token ready for a root key.
func (o *ceremonyRunOptions) ready(ctx context.Context, p *plan.Plan) (err error) {
	token, err := device.OpenForSecrets(ctx, o.Factory, o.serial)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, token.Close()) }()
	return device.ProvisionNew(o.Factory, token, yubikey.ProvisionOptions{ForRoot: true, AllowOldFirmware: p.Allows(plan.ExceptionOldFirmware)}, o.split)
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

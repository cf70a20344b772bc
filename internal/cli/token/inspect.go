package token

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/device"
	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/internal/inspection"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/yubikey"
)

type tokenInspectOptions struct {
	*cmdutil.Factory
	serial uint32
	slot   string
	by     []string
	where  string
	opened string
	closed string
	out    string
}

func newTokenInspectCmd(f *cmdutil.Factory) *cobra.Command {
	o := &tokenInspectOptions{Factory: f}
	cmd := cmdutil.Command(o, runTokenInspect, "inspect",
		"Have a token attest its key again, and write the inspection's statement",
		"Have a token attest its key again, and write a statement for the ledger: the key, the PIN\n"+
			"and PUK tries left, the bags, and the two people who looked. No PIN is asked for, and\n"+
			"nothing on the token changes. Inspect the root's token twice a year; on the admin host,\n"+
			"\"trustroot material inspected FILE\" checks the statement and enters it into the ledger.")
	cmdutil.SerialFlag(cmd, &o.serial)
	flags := cmd.Flags()
	flags.StringVar(&o.slot, "slot", "9c", "slot of the key, in hex")
	flags.StringArrayVar(&o.by, "by", nil, "name of a person who looks; give it twice")
	flags.StringVar(&o.where, "where", "", "where the token is kept from now on")
	flags.StringVar(&o.opened, "bag-opened", "", "number of the bag that the token was in")
	flags.StringVar(&o.closed, "bag-closed", "", "number of the bag that the token goes into")
	flags.StringVar(&o.out, "out", "inspection.json", "new file for the statement")
	return cmd
}

func runTokenInspect(ctx context.Context, o *tokenInspectOptions) (err error) {
	if len(o.by) != 2 || o.by[0] == o.by[1] {
		return cmdutil.Usage("name both people: --by NAME --by NAME", "--by names %d people, an inspection needs two", len(o.by))
	}
	if o.where == "" {
		return cmdutil.Usage("say where the token is kept from now on", "--where is missing")
	}
	token, err := device.Open(ctx, o.Factory, o.serial)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, token.Close()) }()
	s := inspection.Statement{Version: inspection.Version, Serial: o.serial, Slot: o.slot, At: o.Now.UTC().Truncate(time.Second),
		By: o.by, Where: o.where, BagOpened: o.opened, BagClosed: o.closed}
	info, err := token.Info()
	if err != nil {
		return err
	}
	s.PINTries, s.PUKTries = info.PINRetries, info.PUKRetries
	pair, err := token.Attest(yubikey.Slot(o.slot))
	if err != nil {
		return err
	}
	slot, errS := pki.EncodeCertificate(pair.Slot)
	dev, errD := pki.EncodeCertificate(pair.Device)
	digest, errK := pki.SPKISHA256(pair.Slot.PublicKey)
	if err := errors.Join(errS, errD, errK); err != nil {
		return err
	}
	s.SlotCertificate, s.DeviceCertificate = string(slot), string(dev)
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("write the inspection: %w", err)
	}
	if err := durable.Write(o.out, append(data, '\n'), 0o644); err != nil {
		return err
	}
	return o.Print(s, fmt.Sprintf("token %d, slot %s: key %s; %d PIN and %d PUK tries left\nwrote %s: take it to the admin host and run `trustroot material inspected`\n",
		o.serial, o.slot, digest, s.PINTries, s.PUKTries, o.out))
}

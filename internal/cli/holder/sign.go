package holder

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/device"
	"github.com/linnemanlabs/trustroot/internal/cli/show"
	"github.com/linnemanlabs/trustroot/internal/describe"
	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/pki/tuf"
	"github.com/linnemanlabs/trustroot/yubikey"
)

type tufSignOptions struct {
	*cmdutil.Factory
	derived Derived
	staged  string
	serial  uint32
	slot    string
	root    string
	out     string
}

func newTUFSignCmd(f *cmdutil.Factory, derived Derived) *cobra.Command {
	o := &tufSignOptions{Factory: f, derived: derived}
	cmd := cmdutil.Command(o, runTUFSign, "sign CHANGE",
		"Show a staged change and sign it with a holder's token",
		`Show a staged change and sign it with a holder's token, anywhere, offline.

It needs the change and the token. From the one file of a change, such as
0007.tar, it writes one reply, 0007-NAME.json, to send back to the one who sent
it; into a folder it writes a small file for each role. With --root it first makes sure that the change builds on
a root that this holder trusts. In a trust directory, trustroot also makes sure
that the change is what ledger, plan and holders make.`, &o.staged)
	cmdutil.SerialFlag(cmd, &o.serial)
	cmd.Flags().StringVar(&o.slot, "slot", "9a", "slot of the holder's key")
	cmd.Flags().StringVar(&o.root, "root", "", "a root.json that you trust, which the change must build on")
	cmd.Flags().StringVar(&o.out, "out", ".", "folder to write the reply to")
	return cmd
}

func runTUFSign(ctx context.Context, o *tufSignOptions) (err error) {
	staged, done, err := tuf.OpenChange(o.staged)
	defer func() { err = errors.Join(err, done()) }()
	if err == nil {
		err = tuf.CheckNewest(o.staged, staged)
	}
	if err != nil {
		return err
	}
	if o.root != "" {
		root, err := cmdutil.ReadFile(o.root)
		if err != nil {
			return err
		}
		if err := staged.CheckAgainst(root); err != nil {
			return err
		}
	}
	described, err := describe.Describe(staged)
	if err != nil {
		return errors.Join(cmdutil.PrintText(o.Out, described.Text), err)
	}
	if o.derived != nil {
		if err := o.derived(o.Dir, staged, o.Now); err != nil {
			return errors.Join(cmdutil.PrintText(o.Out, described.Text), err)
		}
	}
	token, err := device.OpenForSecrets(ctx, o.Factory, o.serial)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, token.Close()) }()
	key, err := device.PublicKeyIn(token, yubikey.Slot(o.slot))
	if err != nil {
		return err
	}
	holder, err := staged.HolderOf(key)
	if err != nil {
		return err
	}
	if err := o.Operator.Confirm(term.Question{
		Text: described.Text,
		Yes:  term.Sprintf("YubiKey %d signs all of it for %s; each version needs a touch", o.serial, holder),
		No:   "nothing is signed",
		Type: "sign",
	}); err != nil {
		return err
	}
	signer, err := token.Signer(yubikey.Slot(o.slot), key)
	if err != nil {
		return err
	}
	if err := described.Sign(holder, signer); err != nil {
		return err
	}
	name, packed := strings.CutSuffix(filepath.Base(o.staged), ".tar")
	if packed {
		data, err := tuf.Reply(staged, holder, key)
		if err != nil {
			return err
		}
		file := filepath.Join(o.out, name+"-"+holder+".json")
		if err := durable.Write(file, data, 0o644); err != nil {
			return fault.New(fault.Failure, "name another folder with --out, and sign again", err)
		}
		o.Progress("%s signed %s; send %s back to the one who sent you %s", holder, o.staged, file, filepath.Base(o.staged))
	} else {
		o.Progress("%s signed %s", holder, o.staged)
	}
	if o.JSON {
		return show.StagedJSON(o.Factory, staged)
	}
	return show.Missing(o.Factory, staged)
}

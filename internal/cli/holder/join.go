package holder

import (
	"cmp"
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/device"
	"github.com/linnemanlabs/trustroot/internal/cli/show"
	"github.com/linnemanlabs/trustroot/internal/holders"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/pki/tuf"
	"github.com/linnemanlabs/trustroot/yubikey"
)

type tufJoinOptions struct {
	*cmdutil.Factory
	file      string
	serial    uint32
	slot      string
	outFile   string
	accept    bool
	rehearsal bool
}

func newTUFJoinCmd(f *cmdutil.Factory) *cobra.Command {
	o := &tufJoinOptions{Factory: f}
	cmd := cmdutil.Command(o, runTUFJoin, "join INVITATION --serial N | join --accept REPLY",
		"Answer an invitation with a key on your token, or accept such an answer",
		`Answer an invitation: make a P-256 key on your own YubiKey and write one file
with public key, attestation and proof, for the admin. A token as the factory
made it gets a new PIN, PUK and management key first.

With --accept, on the admin's side: check such a file against the invitation,
the plan and the token's attestation, and file it in holders/.`, &o.file)
	cmdutil.SerialFlag(cmd, &o.serial)
	cmd.Flags().StringVar(&o.slot, "slot", "9a", "slot for the key")
	cmd.Flags().StringVar(&o.outFile, "out", "", "new file for the admin (default: NAME.json)")
	cmd.Flags().BoolVar(&o.accept, "accept", false, "check a holder's answer and file it")
	cmdutil.RehearsalFlag(cmd, &o.rehearsal)
	cmd.MarkFlagsMutuallyExclusive("accept", "serial")
	cmd.MarkFlagsMutuallyExclusive("accept", "out")
	return cmd
}

func runTUFJoin(ctx context.Context, o *tufJoinOptions) error {
	if o.accept {
		return show.AcceptHolder(o.Factory, o.file, o.rehearsal)
	}
	data, err := cmdutil.ReadFile(o.file)
	if err != nil {
		return err
	}
	challenge, err := holders.ReadInvitation(data)
	if err != nil {
		return err
	}
	o.outFile = cmp.Or(o.outFile, challenge.Holder+".json")
	return o.join(ctx, challenge)
}

func (o *tufJoinOptions) join(ctx context.Context, challenge *tuf.Challenge) (err error) {
	token, err := device.OpenForSecrets(ctx, o.Factory, o.serial)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, token.Close()) }()
	// the PIN that follows is the consent: without it nothing is made
	o.Operator.Notice(term.Sprintf("%s will sign for %s with a P-256 key in slot %s of YubiKey %d. The key is made, or the one that is there is taken; the token attests it and it proves itself, which needs a touch.",
		challenge.Holder, challenge.Repository, o.slot, o.serial))
	if err := device.ProvisionNew(o.Factory, token, yubikey.ProvisionOptions{}, false); err != nil {
		return err
	}
	proof, err := holders.Join(challenge, token, yubikey.Slot(o.slot))
	if err != nil {
		return err
	}
	if err := holders.WriteProof(o.outFile, proof); err != nil {
		return err
	}
	o.Progress("send %s to the one who invited you", o.outFile)
	return nil
}

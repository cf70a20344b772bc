package holder

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/device"
	"github.com/linnemanlabs/trustroot/internal/holders"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
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

func newTUFJoinCmd(f *cmdutil.Factory, run func(context.Context, *tufJoinOptions) error) *cobra.Command {
	o := &tufJoinOptions{Factory: f}
	cmd := &cobra.Command{
		Use:   "join CHALLENGE --serial N --out FILE | join --accept FILE",
		Short: "Answer an invitation with a key on your token, or accept such an answer",
		Long: `Answer an invitation: make a P-256 key on your own YubiKey and write one file
with public key, attestation and proof, for the admin.

With --accept, on the admin's side: check such a file against the invitation,
the plan and the token's attestation, and file it in holders/.`,
		Args: cobra.ExactArgs(1),
		RunE: cmdutil.One(&o.file, o, run),
	}
	cmdutil.SerialFlag(cmd, &o.serial)
	cmd.Flags().StringVar(&o.slot, "slot", "9a", "slot for the key")
	cmd.Flags().StringVar(&o.outFile, "out", "", "new file for the admin")
	cmd.Flags().BoolVar(&o.accept, "accept", false, "check a holder's answer and file it")
	cmdutil.RehearsalFlag(cmd, &o.rehearsal)
	cmd.MarkFlagsMutuallyExclusive("accept", "serial")
	cmd.MarkFlagsMutuallyExclusive("accept", "out")
	return cmd
}

func runTUFJoin(ctx context.Context, o *tufJoinOptions) error {
	data, err := cmdutil.ReadFile(o.file)
	if err != nil {
		return err
	}
	if o.accept {
		return o.acceptHolder(data)
	}
	if o.outFile == "" {
		return cmdutil.Usage("name the file for the admin with --out", "--out is missing")
	}
	challenge, err := tuf.ParseChallenge(data)
	if err != nil {
		return err
	}
	return o.join(ctx, challenge)
}

func (o *tufJoinOptions) join(ctx context.Context, challenge *tuf.Challenge) (err error) {
	token, err := device.OpenForSecrets(ctx, o.Factory, o.serial)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, token.Close()) }()
	if err := o.Operator.Confirm(term.Question{
		Text: term.Sprintf("%s will sign for %s with a P-256 key in slot %s of YubiKey %d.", challenge.Holder, challenge.Repository, o.slot, o.serial),
		Yes:  "the key is made, or the one that is there is taken; it is attested and proves itself, which needs a touch",
		No:   "the token is unchanged",
	}); err != nil {
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

func (o *tufJoinOptions) acceptHolder(data []byte) error {
	d, err := trustdir.Open(o.Dir)
	if err != nil {
		return err
	}
	roots, err := ceremony.Roots(d.Plan, o.rehearsal)
	if err != nil {
		return err
	}
	holder, err := holders.Accept(d, data, roots, o.Now)
	if err != nil {
		return err
	}
	id, err := tuf.KeyID(holder.PublicKey)
	if err != nil {
		return err
	}
	o.Progress("%s is on file in holders/%s; stage it with `trustroot tuf init` or `trustroot tuf stage root`", holder.Name, holder.Name)
	if o.JSON {
		return cmdutil.PrintJSON(o.Out, map[string]string{"holder": holder.Name, "keyid": id})
	}
	return cmdutil.PrintText(o.Out, fmt.Sprintf("%s  %s\n", id, holder.Name))
}

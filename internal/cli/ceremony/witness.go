package ceremony

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/device"
	"github.com/linnemanlabs/trustroot/pki/lint"
	"github.com/linnemanlabs/trustroot/yubikey"
)

type ceremonyWitnessOptions struct {
	*cmdutil.Factory
	record    string
	serial    uint32
	slot      string
	rehearsal bool
}

func newCeremonyWitnessCmd(f *cmdutil.Factory) *cobra.Command {
	o := &ceremonyWitnessOptions{Factory: f}
	cmd := cmdutil.Command(o, runCeremonyWitness, "witness RECORD", "Check a record and sign it with a witness's token, on the day or later", "", &o.record)
	cmdutil.SerialFlag(cmd, &o.serial)
	cmd.Flags().StringVar(&o.slot, "slot", "9a", "PIV slot of the witness's attested P-256 key")
	cmdutil.RehearsalFlag(cmd, &o.rehearsal)
	return cmd
}

func runCeremonyWitness(ctx context.Context, o *ceremonyWitnessOptions) (err error) {
	if o.serial == 0 {
		_, err := device.Open(ctx, o.Factory, 0)
		return err
	}
	path, err := ceremony.SignAsWitness(ctx, o.record, ceremony.WitnessOptions{
		VerifyOptions: ceremony.VerifyOptions{Linter: lint.New(), Rehearsal: o.rehearsal},
		Serial:        o.serial,
		Slot:          yubikey.Slot(o.slot),
		Operator:      o.Operator,
		Open: func(ctx context.Context, serial uint32) (ceremony.Device, error) {
			return yubikey.Open(ctx, serial, device.NewCountingPrompter(o.Operator))
		},
	})
	if err != nil {
		return err
	}
	return cmdutil.PrintText(o.Out, path+"\n")
}

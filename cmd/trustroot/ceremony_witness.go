package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/pki/lint"
	"github.com/linnemanlabs/trustroot/yubikey"
)

type ceremonyWitnessOptions struct {
	*factory
	record    string
	serial    uint32
	slot      string
	rehearsal bool
}

func newCeremonyWitnessCmd(f *factory, run func(context.Context, *ceremonyWitnessOptions) error) *cobra.Command {
	o := &ceremonyWitnessOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "witness RECORD",
		Short: "Check a record and sign it with a witness's token, on the day or later",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.record = args[0]
			return run(c.Context(), o)
		},
	}
	serialFlag(cmd, &o.serial)
	cmd.Flags().StringVar(&o.slot, "slot", "9a", "PIV slot of the witness's attested P-256 key")
	rehearsalFlag(cmd, &o.rehearsal)
	return cmd
}

func runCeremonyWitness(ctx context.Context, o *ceremonyWitnessOptions) (err error) {
	if o.serial == 0 {
		_, err := o.openToken(ctx, 0)
		return err
	}
	path, err := ceremony.SignAsWitness(ctx, o.record, ceremony.WitnessOptions{
		VerifyOptions: ceremony.VerifyOptions{Linter: lint.New(), Rehearsal: o.rehearsal},
		Serial:        o.serial,
		Slot:          yubikey.Slot(o.slot),
		Operator:      o.operator,
		Open: func(ctx context.Context, serial uint32) (ceremony.Device, error) {
			return yubikey.Open(ctx, serial, newCountingPrompter(o.operator))
		},
	})
	if err != nil {
		return err
	}
	return printText(o.out, path+"\n")
}

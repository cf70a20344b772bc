package ceremony

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/device"
	"github.com/linnemanlabs/trustroot/pki/lint"
	"github.com/linnemanlabs/trustroot/pki/trustedroot"
	"github.com/linnemanlabs/trustroot/yubikey"
)

type ceremonyVerifyOptions struct {
	*cmdutil.Factory
	record      string
	rehearsal   bool
	trustedRoot string
}

func newCeremonyVerifyCmd(f *cmdutil.Factory) *cobra.Command {
	o := &ceremonyVerifyOptions{Factory: f}
	cmd := cmdutil.Command(o, runCeremonyVerify, "verify RECORD", "Check a ceremony's record, claim by claim, with no token and no network", "", &o.record)
	cmdutil.RehearsalFlag(cmd, &o.rehearsal)
	cmd.Flags().StringVar(&o.trustedRoot, "trusted-root", "", "trusted_root.json with the log keys that anchors may be under, beside those of the record's own plan")
	return cmd
}

func runCeremonyVerify(_ context.Context, o *ceremonyVerifyOptions) error {
	logs, err := o.logKeys()
	if err != nil {
		return err
	}
	verified, err := ceremony.Verify(o.record, ceremony.VerifyOptions{Linter: lint.New(), Rehearsal: o.rehearsal, Logs: logs})
	if verified == nil {
		return err
	}
	return errors.Join(printClaims(o.Factory, verified), err)
}

// logKeys are those of the trusted root that was given, nil where none was.
func (o *ceremonyVerifyOptions) logKeys() ([]ceremony.LogKey, error) {
	if o.trustedRoot == "" {
		return nil, nil
	}
	data, err := cmdutil.ReadFile(o.trustedRoot)
	if err != nil {
		return nil, err
	}
	found, err := trustedroot.LogKeys(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.trustedRoot, err)
	}
	keys := []ceremony.LogKey{}
	for _, k := range found {
		keys = append(keys, ceremony.LogKey{Origin: k.Origin, SPKISHA256: k.SPKISHA256})
	}
	return keys, nil
}

func printClaims(f *cmdutil.Factory, v *ceremony.Verified) error {
	text := ""
	if v.Request.Plan.Rehearsal != nil {
		text = "REHEARSAL: the token is virtual and proves nothing.\n"
	}
	for _, c := range v.Claims {
		word, by := "proved   ", "by "
		if c.People {
			word, by = "believed ", "rests on "
		}
		text += fmt.Sprintf("%s%s\n         %s%s\n", word, c.Text, by, c.By)
	}
	return f.Print(v.Claims, text)
}

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

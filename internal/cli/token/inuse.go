package token

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/device"
	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/yubikey"
)

type tokenProtectOptions struct {
	*cmdutil.Factory
	serial uint32
}

func newTokenProtectCmd(f *cmdutil.Factory) *cobra.Command {
	o := &tokenProtectOptions{Factory: f}
	cmd := cmdutil.Command(o, runTokenProtect, "protect",
		"Put the management key of a token in use behind its PIN",
		`Replace the management key by a random one that is kept on the token behind the
PIN, as a ceremony needs it. Keys, certificates, PIN, PUK and counters stay as
they are. A factory key is known; another one is asked for, in hex.

If interrupted, run the same command again to resume.`)
	cmdutil.SerialFlag(cmd, &o.serial)
	return cmd
}

func runTokenProtect(ctx context.Context, o *tokenProtectOptions) (err error) {
	token, err := device.OpenForSecrets(ctx, o.Factory, o.serial)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, token.Close()) }()
	if err := o.Operator.Confirm(term.Question{
		Text: term.Sprintf("YubiKey %d gets a random management key, kept on it behind the PIN.", o.serial),
		Yes:  "programs that know the old management key can no longer change this token; keys and certificates stay",
		No:   "the token is unchanged",
		Type: fmt.Sprint(o.serial),
	}); err != nil {
		return err
	}
	already, err := token.Protect(o.oldKey)
	switch {
	case err != nil:
		return err
	case already:
		o.Progress("the management key of YubiKey %d is behind the PIN already; nothing was changed", o.serial)
	default:
		o.Progress("YubiKey %d can hold a ceremony: its management key is behind the PIN, and nothing else was changed", o.serial)
	}
	return nil
}

// oldKey asks for the management key that is in force, in hex.
func (o *tokenProtectOptions) oldKey() ([]byte, error) {
	typed, err := o.Operator.Secret(term.Sprintf("Management key of YubiKey %d, in hex", o.serial))
	if err != nil {
		return nil, err
	}
	defer clear(typed)
	key := make([]byte, hex.DecodedLen(len(typed)))
	if _, err := hex.Decode(key, typed); err != nil || len(key) != 16 && len(key) != 24 && len(key) != 32 {
		clear(key)
		return nil, term.Slip(fault.New(fault.Usage, device.TokenUnchanged, errors.New("a management key has 32, 48 or 64 hex digits")))
	}
	return key, nil
}

type tokenRetriesOptions struct {
	*cmdutil.Factory
	serial   uint32
	pin, puk int
}

func newTokenRetriesCmd(f *cmdutil.Factory) *cobra.Command {
	o := &tokenRetriesOptions{Factory: f}
	cmd := cmdutil.Command(o, runTokenRetries, "retries",
		"Set the tries of PIN and PUK again, with a new PUK, also where the PUK is blocked",
		`Set how many tries PIN and PUK have. It takes the PIN, and the management key
behind it (token protect); the PIN stays, the PUK is set anew. Keys and
certificates stay as they are.

If interrupted, run the same command with the same PIN and PUK again to resume:
until then the token may have the factory's.`)
	cmdutil.SerialFlag(cmd, &o.serial)
	cmd.Flags().IntVar(&o.pin, "pin-retries", 5, "tries of the PIN, 1 to 15")
	cmd.Flags().IntVar(&o.puk, "puk-retries", 5, "tries of the PUK, 1 to 15")
	return cmd
}

func runTokenRetries(ctx context.Context, o *tokenRetriesOptions) (err error) {
	if o.pin < 1 || o.pin > 15 || o.puk < 1 || o.puk > 15 {
		return cmdutil.Usage("choose 1 to 15", "--pin-retries %d, --puk-retries %d", o.pin, o.puk)
	}
	token, err := device.OpenForSecrets(ctx, o.Factory, o.serial)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, token.Close()) }()
	// the new PUK first: a PIN that is refused is asked again alone
	puk, err := device.NewSecret(o.Factory, "PUK", false)
	if err != nil {
		return err
	}
	defer clear(puk)
	if err := device.InForce(o.Factory, func() ([]byte, error) {
		return o.Operator.Secret(term.Sprintf("PIN of YubiKey %d, which stays", o.serial))
	}, func(pin []byte) error {
		return token.SetRetries(yubikey.ProvisionOptions{PIN: pin, PUK: puk, PINRetries: o.pin, PUKRetries: o.puk})
	}); err != nil {
		return err
	}
	o.Progress("YubiKey %d has %d tries of the PIN, %d of the PUK, and a new PUK: write it down", o.serial, o.pin, o.puk)
	return nil
}

type tokenAdoptOptions struct {
	*cmdutil.Factory
	serial, duplicate uint32
	slot, out         string
}

func newTokenAdoptCmd(f *cmdutil.Factory) *cobra.Command {
	o := &tokenAdoptOptions{Factory: f}
	cmd := cmdutil.Command(o, runTokenAdopt, "adopt",
		"Write down what a token in use is, for `trustroot adopt`",
		`Read a slot of a token in use and have its key sign a text that names the token:
where the key was made, how PIN and touch guard it, the firmware, and that this
token really holds it. With --duplicate a second token signs too, and both must
hold the same key. Nothing is changed on a token.

The file takes the place of the token where `+"`trustroot adopt`"+` runs.`)
	cmdutil.SerialFlag(cmd, &o.serial)
	cmd.Flags().Uint32Var(&o.duplicate, "duplicate", 0, "serial number of a second token that holds the same key")
	cmd.Flags().StringVar(&o.slot, "slot", "9c", "slot in hex")
	cmd.Flags().StringVar(&o.out, "out", "token.json", "new file")
	return cmd
}

func runTokenAdopt(ctx context.Context, o *tokenAdoptOptions) error {
	serials := []uint32{o.serial}
	if o.duplicate != 0 && o.duplicate == o.serial {
		return cmdutil.Usage("name the other token with --duplicate", "token %d is not a duplicate of itself", o.serial)
	}
	if o.duplicate != 0 {
		serials = append(serials, o.duplicate)
	}
	var states []yubikey.State
	for _, serial := range serials {
		s, err := o.state(ctx, serial)
		if err != nil {
			return err
		}
		if len(states) > 0 && s.SPKISHA256 != states[0].SPKISHA256 {
			return fault.New(fault.Verification, "name the token that holds the copy; nothing was written",
				fmt.Errorf("slot %s of token %d holds the key %s, that of token %d %s", o.slot, serial, s.SPKISHA256, o.serial, states[0].SPKISHA256))
		}
		states = append(states, *s)
	}
	data, err := json.MarshalIndent(states, "", "  ")
	if err != nil {
		return err
	}
	if err := durable.Write(o.out, append(data, '\n'), 0o644); err != nil {
		return err
	}
	for _, s := range states {
		o.Progress("%s", s.Describe())
	}
	if needs := states[0].Exceptions(); len(needs) > 0 {
		o.Progress("a plan that keeps this root names the exceptions %s", strings.Join(needs, " and "))
	}
	return nil
}

// state reads one token and has it sign.
func (o *tokenAdoptOptions) state(ctx context.Context, serial uint32) (s *yubikey.State, err error) {
	token, err := device.OpenForSecrets(ctx, o.Factory, serial)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, token.Close()) }()
	slot := yubikey.Slot(o.slot)
	info, err := token.Slot(slot)
	if err != nil {
		return nil, err
	}
	key := info.PublicKey
	if key == nil && info.Certificate != nil {
		key = info.Certificate.PublicKey // older firmware does not tell the key; the signature proves it
	}
	if key == nil {
		return nil, fault.New(fault.Device, "see what is where with trustroot token info", fmt.Errorf("slot %s of token %d: %w", slot, serial, yubikey.ErrSlotEmpty))
	}
	s, err = yubikey.NewState(token.Identity(), info, key, o.Now)
	if err != nil {
		return nil, err
	}
	signer, err := token.Signer(slot, key)
	if err != nil {
		return nil, err
	}
	if s.Signature, err = signText(o.Factory, signer, s.Text()); err != nil {
		return nil, err
	}
	err = s.Verify()
	return s, err
}

package token

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/device"
	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/yubikey"
)

type tokenImportOptions struct {
	*cmdutil.Factory
	serials []uint32
	slot    string
	key     yubikey.KeyOptions
	proof   string
}

func newTokenImportCmd(f *cmdutil.Factory, run func(context.Context, *tokenImportOptions) error) *cobra.Command {
	o := &tokenImportOptions{Factory: f}
	var serials []uint
	cmd := &cobra.Command{
		Use:   "import",
		Short: "Make one key on this machine and put it into two or more YubiKeys",
		Long: "Make one key in this machine's memory and put it into the same slot of two or more YubiKeys, as each other's backup.\n\n" +
			"Such a key was outside a token once and can never be attested, so the plan must name the exception " + plan.ExceptionImportedRoot + ".\n" +
			"The key is not written to any file. Each token proves that it has it by signing one and the same text; then the copy in memory is wiped.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			for _, s := range serials {
				if s > math.MaxUint32 {
					return cmdutil.Usage("copy the number that is printed on the token", "--serial %d is more than a serial number can be", s)
				}
				o.serials = append(o.serials, uint32(s))
			}
			return run(c.Context(), o)
		},
	}
	cmd.Flags().UintSliceVar(&serials, "serial", nil, "serial number of a YubiKey; give it once for each")
	cmdutil.SlotFlag(cmd, &o.slot)
	keyFlags(cmd, &o.key)
	cmd.Flags().StringVar(&o.proof, "proof", "imported-key", "new folder for the public key, the signed text and the tokens' signatures")
	return cmd
}

func runTokenImport(ctx context.Context, o *tokenImportOptions) (err error) {
	p, err := o.importable()
	if err != nil {
		return err
	}
	i := &importing{tokenImportOptions: o, slot: yubikey.Slot(o.slot)}
	defer func() { err = errors.Join(err, i.close()) }()
	for _, serial := range o.serials {
		if err := i.open(ctx, serial, p.Allows(plan.ExceptionOldFirmware)); err != nil {
			return err
		}
	}
	if err := o.Operator.Confirm(term.Question{
		Text: term.Sprintf("A %s key is made in the memory of this machine and put into slot %s of the YubiKeys %s. It can never be attested.",
			o.key.Algorithm, o.slot, i.names()),
		Yes:  "the key is made, put into each token, tried there, and wiped here",
		No:   "the tokens are unchanged",
		Type: "import",
	}); err != nil {
		return err
	}
	return i.run(ctx)
}

// importable checks the command line and the plan, which must allow it.
func (o *tokenImportOptions) importable() (*plan.Plan, error) {
	seen := map[uint32]bool{}
	for _, serial := range o.serials {
		if serial == 0 || seen[serial] {
			return nil, cmdutil.Usage("name each token once", "--serial %d", serial)
		}
		seen[serial] = true
	}
	switch {
	case len(seen) < 2:
		return nil, cmdutil.Usage("name two or more tokens; for a single one `trustroot token generate` makes a key that can be attested",
			"an imported key goes into two or more tokens, and --serial names %d", len(seen))
	case o.slot == "":
		return nil, cmdutil.Usage("name the slot, such as --slot 9c", "--slot is missing")
	case curves[o.key.Algorithm] == nil:
		return nil, cmdutil.Usage("choose P-256 or P-384", "--algorithm %q", o.key.Algorithm)
	}
	p, err := device.PlanHere(o.Factory)
	if err != nil {
		return nil, err
	}
	if p == nil || !p.Allows(plan.ExceptionImportedRoot) {
		return nil, cmdutil.Usage("name the exception "+plan.ExceptionImportedRoot+" with its reason in the plan, have it reviewed, and give its folder with --dir",
			"the plan does not allow a key that was made on a host")
	}
	return p, nil
}

var curves = map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384()}

// importing is one run of token import.
type importing struct {
	*tokenImportOptions
	slot   yubikey.Slot
	tokens []*yubikey.Token
	holds  []string // serial numbers of the tokens that have the key
}

// open opens a token and refuses one that could not take the key, before there
// is a key.
func (i *importing) open(ctx context.Context, serial uint32, oldFirmware bool) error {
	token, err := device.OpenForSecrets(ctx, i.Factory, serial)
	if err != nil {
		return err
	}
	i.tokens = append(i.tokens, token)
	if v := token.Identity().Firmware; !oldFirmware {
		if err := yubikey.CheckRootFirmware(v); err != nil {
			return fmt.Errorf("token %d: %w", serial, err)
		}
	}
	if err := token.Vacant(i.slot); err != nil {
		return fmt.Errorf("token %d: %w", serial, err)
	}
	return nil
}

func (i *importing) close() error {
	problems := make([]error, 0, len(i.tokens))
	for _, token := range i.tokens {
		problems = append(problems, token.Close())
	}
	return errors.Join(problems...)
}

func (i *importing) names() string {
	names := make([]string, 0, len(i.serials))
	for _, serial := range i.serials {
		names = append(names, fmt.Sprint(serial))
	}
	return strings.Join(names, " and ")
}

// run makes the key, puts it into each token and has each prove it.
func (i *importing) run(ctx context.Context) error {
	key, err := ecdsa.GenerateKey(curves[i.key.Algorithm], rand.Reader)
	if err != nil {
		return fmt.Errorf("make the key: %w", err)
	}
	defer wipeKey(key)
	proof, err := newImportProof(i, &key.PublicKey)
	if err != nil {
		return err
	}
	for n := range i.tokens {
		if err := i.one(ctx, n, key, proof); err != nil {
			return i.orphans(err)
		}
	}
	wipeKey(key)
	i.Progress("the key is in slot %s of the YubiKeys %s and was wiped here; it cannot be attested, and switching this machine off clears what libraries copied", i.slot, i.names())
	if err := courier.NewFolder(i.proof, proof.files()); err != nil {
		return err
	}
	return i.Print(proof, string(proof.public))
}

// one brings the key into one token. A token that was pulled out may be plugged
// in again, for the key lives as long as this process.
func (i *importing) one(ctx context.Context, n int, key *ecdsa.PrivateKey, proof *importProof) error {
	for {
		err := i.put(n, key)
		if err == nil {
			err = i.prove(n, &key.PublicKey, proof)
		}
		if !errors.Is(err, yubikey.ErrRemoved) {
			return err
		}
		if stopped := i.reopen(ctx, n); stopped != nil {
			return errors.Join(stopped, err)
		}
	}
}

// reopen asks for the token until it is there again.
func (i *importing) reopen(ctx context.Context, n int) error {
	for {
		if err := i.Operator.Confirm(term.Question{
			Text: term.Sprintf("YubiKey %d was pulled out. The key is still in memory.", i.serials[n]),
			Yes:  "plug it in; it goes on with this token as soon as it answers",
			No:   "the key is wiped, and the tokens that have it stay as they are",
		}); err != nil {
			return err
		}
		err := i.tokens[n].Close() // or its reader would count as taken
		var token *yubikey.Token
		if err == nil {
			token, err = yubikey.Reopen(ctx, i.serials[n], device.Prompter{Operator: i.Operator})
		}
		if err == nil {
			i.tokens[n] = token
			return nil
		}
		i.Progress("%v", err)
	}
}

// put imports the key, unless an attempt whose answer was lost did so.
func (i *importing) put(n int, key *ecdsa.PrivateKey) error {
	info, err := i.tokens[n].Slot(i.slot)
	if err != nil {
		return err
	}
	if there, ok := info.PublicKey.(*ecdsa.PublicKey); !ok || !there.Equal(&key.PublicKey) {
		if err := i.tokens[n].Import(i.slot, i.key, key); err != nil {
			return fmt.Errorf("token %d: %w", i.serials[n], err)
		}
	}
	if name := fmt.Sprint(i.serials[n]); len(i.holds) == 0 || i.holds[len(i.holds)-1] != name {
		i.holds = append(i.holds, name)
	}
	return nil
}

func (i *importing) prove(n int, public *ecdsa.PublicKey, proof *importProof) error {
	signer, err := i.tokens[n].Signer(i.slot, public)
	if err != nil {
		return fmt.Errorf("token %d: %w", i.serials[n], err)
	}
	signature, err := signText(i.Factory, signer, proof.text)
	if err != nil {
		return fmt.Errorf("token %d: %w", i.serials[n], err)
	}
	proof.add(i.serials[n], signature)
	return nil
}

// orphans names the tokens that hold a key which is nowhere else.
func (i *importing) orphans(err error) error {
	if len(i.holds) == 0 {
		return err
	}
	return fault.New(fault.Code(fault.ExitCode(err)),
		"start anew with other tokens: the key was wiped and is worth nothing",
		fmt.Errorf("%w; slot %s of %s holds the key of this run", err, i.slot, strings.Join(i.holds, " and ")))
}

// wipeKey overwrites the private number. What piv-go and the runtime copied of
// it is out of reach: see docs/secrets.md.
func wipeKey(key *ecdsa.PrivateKey) {
	clear(key.D.Bits()) //nolint:staticcheck // the key is not used again, which is the point
}

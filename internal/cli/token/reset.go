package token

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/device"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/yubikey"
)

type tokenResetOptions struct {
	*cmdutil.Factory
	serial uint32
}

func newTokenResetCmd(f *cmdutil.Factory) *cobra.Command {
	o := &tokenResetOptions{Factory: f}
	cmd := cmdutil.Command(o, runTokenReset, "reset",
		"Erase every key and certificate of a YubiKey's PIV application, for good",
		"Erase every key and certificate of a YubiKey's PIV application, for good.\n\nA token that holds a root key of the ledger in the trust directory is refused.\nAny other key is named, and its name typed, before it is lost. Cut at any instant, the same command goes on.")
	cmdutil.SerialFlag(cmd, &o.serial)
	return cmd
}

func runTokenReset(ctx context.Context, o *tokenResetOptions) (err error) {
	token, err := device.Open(ctx, o.Factory, o.serial)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, token.Close()) }()
	if err := erase(o.Factory, token); err != nil {
		return err
	}
	o.Progress("YubiKey %d is as it left the factory; make it ready with `trustroot token provision --serial %d`", o.serial, o.serial)
	return nil
}

// erase resets a token once a person has typed its serial number, having seen
// what goes with it.
func erase(f *cmdutil.Factory, token *yubikey.Token) error {
	info, err := token.Info()
	if err != nil {
		return err
	}
	known, err := checkNoRoot(f, info)
	if err != nil {
		return err
	}
	serial := fmt.Sprint(info.Identity.Serial)
	const unchanged = "the token is unchanged"
	if err := f.Operator.Confirm(term.Question{
		Text: term.Sprintf("You are about to erase YubiKey %s: %s. %s", serial, contents(info), known),
		Yes:  "these keys are gone for ever, and PIN, PUK and management key are the factory's again",
		No:   unchanged,
		Type: serial,
	}); err != nil {
		return err
	}
	// no ledger here says what the keys are for: the person names one of them
	if lost, name := keyOfUnknownUse(info); lost != "" {
		if err := f.Operator.Confirm(term.Question{
			Text: "Nothing here says what these keys are for. This will be lost: " + lost + ". If a root's certificate is among them, nobody can renew what is under it again.",
			Yes:  "the token is erased",
			No:   unchanged,
			Type: "erase " + name,
		}); err != nil {
			return err
		}
	}
	return token.Reset()
}

// keyOfUnknownUse describes a key with its certificate and digest, a root's
// before others, and returns the name by which a person names it.
// Firmware that does not tell which keys there are may hold one unseen.
func keyOfUnknownUse(info yubikey.Info) (seen, name string) {
	for _, s := range info.Slots {
		if s.Empty {
			continue
		}
		if seen != "" && s.Slot != "9c" {
			continue
		}
		seen, name = fmt.Sprintf("the %s key of slot %s", s.Algorithm, s.Slot), "slot "+string(s.Slot)
		if digest, err := pki.SPKISHA256(s.PublicKey); err == nil {
			seen += ", SHA-256 " + digest
		}
		if c := s.Certificate; c != nil {
			seen += fmt.Sprintf(", with the certificate of %s, serial %s, valid until %s", c.Subject, pki.SerialHex(c.SerialNumber), c.NotAfter.UTC().Format("2006-01-02"))
			if c.Subject.CommonName != "" {
				name = c.Subject.CommonName
			}
		}
	}
	if seen == "" && !info.Identity.DescribesKeys() {
		return fmt.Sprintf("whatever key was imported, which firmware %s does not tell", info.Identity.Firmware), "unseen keys"
	}
	return seen, name
}

func contents(info yubikey.Info) string {
	holds := make([]string, 0, len(info.Slots))
	for _, s := range info.Slots {
		text := "slot " + string(s.Slot)
		if !s.Empty {
			text += fmt.Sprintf(", a %s key (%s)", s.Algorithm, s.Origin)
		}
		if s.Certificate != nil {
			text += fmt.Sprintf(", the certificate of %s", s.Certificate.Subject)
		}
		holds = append(holds, text)
	}
	if len(holds) == 0 {
		return "it shows no key and no certificate"
	}
	return "it holds " + strings.Join(holds, "; ")
}

// checkNoRoot refuses a token with a key that the ledger in the trust
// directory knows as a root's, and returns a sentence on what it looked at.
func checkNoRoot(f *cmdutil.Factory, info yubikey.Info) (known string, err error) {
	path := filepath.Join(f.Dir, trustdir.LedgerFile)
	l, err := ledger.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Sprintf("There is no %s in %s that could say whether one of them is in use.", trustdir.LedgerFile, f.Dir), nil
	}
	if err != nil {
		return "", fmt.Errorf("look for the token's keys in the ledger: %w", err)
	}
	for name, generations := range l.State().Authorities {
		for _, g := range generations {
			slot, err := holding(info, g.Certificate.SPKISHA256)
			if err != nil {
				return "", err
			}
			if slot == "" {
				continue
			}
			return "", fault.New(fault.Device, "keep this token: to retire a root, publish its successor first and let every verifier fetch it; nothing was changed",
				fmt.Errorf("reset token %d: slot %s holds the key of %s g%d, which %s knows", info.Identity.Serial, slot, name, g.Number, path))
		}
	}
	return fmt.Sprintf("%s knows none of them.", path), nil
}

// holding returns the slot whose key, or whose certificate's key where the
// token does not tell the key, has that digest.
func holding(info yubikey.Info, digest string) (yubikey.Slot, error) {
	for _, s := range info.Slots {
		pub := s.PublicKey
		if pub == nil && s.Certificate != nil {
			pub = s.Certificate.PublicKey
		}
		if pub == nil {
			continue
		}
		got, err := pki.SPKISHA256(pub)
		if err != nil {
			return "", fmt.Errorf("slot %s: %w", s.Slot, err)
		}
		if got == digest {
			return s.Slot, nil
		}
	}
	return "", nil
}

package token

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/device"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/yubikey"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

func newTokenListCmd(f *cmdutil.Factory) *cobra.Command {
	return cmdutil.Command(f, runTokenList, "list", "Show every YubiKey that is plugged in", "")
}

func runTokenList(ctx context.Context, o *cmdutil.Factory) error {
	found, err := yubikey.List(ctx)
	if err != nil {
		return err
	}
	views := []*tokenView{}
	for _, info := range found {
		v, err := newTokenView(info, o.Now)
		if err != nil {
			return err
		}
		views = append(views, v)
	}
	if len(views) == 0 && !o.JSON {
		o.Progress("no YubiKey is plugged in")
	}
	text := ""
	for _, v := range views {
		text += v.text(term.StyleFor(o.Out))
	}
	return o.Print(views, text)
}

type tokenInfoOptions struct {
	*cmdutil.Factory
	serial    uint32
	at        string
	rehearsal bool
}

func newTokenInfoCmd(f *cmdutil.Factory) *cobra.Command {
	o := &tokenInfoOptions{Factory: f}
	cmd := cmdutil.Command(o, runTokenInfo, "info", "Show one YubiKey: slots, policies, attestations, warnings", "")
	cmdutil.SerialFlag(cmd, &o.serial)
	cmd.Flags().StringVar(&o.at, "at", "", "judge attestations and expiry at this time, as 2026-11-02 or 2026-11-02T09:00:00Z (default: now)")
	cmdutil.RehearsalFlag(cmd, &o.rehearsal)
	return cmd
}

func runTokenInfo(ctx context.Context, o *tokenInfoOptions) (err error) {
	at, err := instant(o.Factory, o.at)
	if err != nil {
		return err
	}
	roots, err := device.Roots(o.Factory, o.rehearsal)
	if err != nil {
		return err
	}
	token, err := device.Open(ctx, o.Factory, o.serial)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, token.Close()) }()
	info, err := token.Info()
	if err != nil {
		return err
	}
	v, err := newTokenView(info, at)
	if err != nil {
		return err
	}
	for n, slot := range info.Slots {
		v.Slots[n].Attestation = attested(token, slot, attestation.Expect{Serial: o.serial, Slot: string(slot.Slot), PublicKey: slot.PublicKey}, roots, at)
	}
	return o.Print(v, v.text(term.StyleFor(o.Out)))
}

// tokenView is a token as list and info print it.
type tokenView struct {
	Serial     uint32     `json:"serial"`
	Firmware   string     `json:"firmware"`
	FormFactor string     `json:"form_factor"`
	Reader     string     `json:"reader"`
	PINRetries *int       `json:"pin_retries"` // null: the token does not tell
	PUKRetries *int       `json:"puk_retries"` // null: the token does not tell
	Slots      []slotView `json:"slots"`
	Warnings   []string   `json:"warnings"`
	Problem    string     `json:"problem,omitempty"` // why it could not be read
	hint       string
	blind      bool // the firmware does not tell which keys there are
}

type slotView struct {
	Slot        string           `json:"slot"`
	Key         *keyView         `json:"key"`
	Certificate *certificateView `json:"certificate"`
	Attestation string           `json:"attestation,omitempty"` // info only
}

type keyView struct {
	Algorithm   string `json:"algorithm"`
	Origin      string `json:"origin"`
	PINPolicy   string `json:"pin_policy"`
	TouchPolicy string `json:"touch_policy"`
	SPKISHA256  string `json:"spki_sha256,omitempty"`
}

type certificateView struct {
	Subject  string    `json:"subject"`
	NotAfter time.Time `json:"not_after"`
	Expired  bool      `json:"expired"`
}

func newTokenView(i yubikey.Info, at time.Time) (*tokenView, error) {
	v := &tokenView{
		Serial: i.Identity.Serial, Firmware: i.Identity.Firmware.String(), FormFactor: i.Identity.FormFactor, Reader: i.Identity.Reader,
		PINRetries: stated(i.PINRetries), PUKRetries: stated(i.PUKRetries), Slots: []slotView{}, Warnings: append([]string{}, i.Warnings...),
		blind: !i.Identity.DescribesKeys(),
	}
	if i.Problem != nil {
		v.Problem, v.hint = i.Problem.Error(), fault.Hint(i.Problem)
	}
	for _, s := range i.Slots {
		view := slotView{Slot: string(s.Slot)}
		if !s.Empty {
			view.Key = &keyView{Algorithm: s.Algorithm, Origin: s.Origin, PINPolicy: s.PINPolicy, TouchPolicy: s.TouchPolicy}
			if s.PublicKey != nil {
				digest, err := pki.SPKISHA256(s.PublicKey)
				if err != nil {
					return nil, fmt.Errorf("slot %s: %w", s.Slot, err)
				}
				view.Key.SPKISHA256 = digest
			}
		}
		if c := s.Certificate; c != nil {
			view.Certificate = &certificateView{Subject: c.Subject.String(), NotAfter: c.NotAfter.UTC(), Expired: at.After(c.NotAfter)}
		}
		v.Slots = append(v.Slots, view)
	}
	return v, nil
}

func stated(n int) *int {
	if n < 0 {
		return nil
	}
	return &n
}

// attested has the token attest a slot and says what that is worth.
func attested(token *yubikey.Token, s yubikey.SlotInfo, want attestation.Expect, roots attestation.Roots, at time.Time) string {
	switch {
	case s.Empty:
		return ""
	case s.Origin == yubikey.Imported:
		return "none: the key was imported"
	}
	pair, err := token.Attest(s.Slot)
	if errors.Is(err, yubikey.ErrSlotEmpty) {
		return "none: the token makes no attestation for it"
	}
	if err != nil {
		return "none: " + err.Error()
	}
	a, err := attestation.Verify(pair, roots, at)
	if err == nil {
		err = a.Match(want)
	}
	switch {
	case err != nil:
		return "refused: " + strings.ReplaceAll(err.Error(), "\n", "; ")
	case a.Rehearsal:
		return "holds for a REHEARSAL only, up to " + a.Hierarchy
	}
	return "holds, up to " + a.Hierarchy
}

func (v *tokenView) text(style term.Style) string {
	text := cmdutil.Table(func(w *tabwriter.Writer) { v.rows(w, style) })
	for _, warning := range v.Warnings {
		text += term.Sprintf("  %s %s\n", style.Warn("warning:"), warning)
	}
	return text
}

func (v *tokenView) rows(w *tabwriter.Writer, style term.Style) {
	if v.Problem != "" {
		term.Fprintf(w, "%s\n  %s\n", style.Bold(v.Reader), style.Bad(v.Problem))
		if v.hint != "" {
			term.Fprintf(w, "  hint: %s\n", v.hint)
		}
		return
	}
	term.Fprintf(w, "%s\tfirmware %s\t%s\n", style.Bold(fmt.Sprintf("YubiKey %d", v.Serial)), v.Firmware, v.FormFactor)
	term.Fprintf(w, "  tries left\tPIN %s\tPUK %s\n", tries(v.PINRetries), tries(v.PUKRetries))
	if len(v.Slots) == 0 {
		text := "all empty"
		if v.blind {
			text = "no certificate and no key made on the token"
		}
		term.Fprintf(w, "  slots\t%s\t\n", text)
	}
	for _, s := range v.Slots {
		key, certificate := "no key", "no certificate"
		if s.Key != nil {
			key = fmt.Sprintf("%s %s, PIN %s, touch %s", s.Key.Algorithm, s.Key.Origin, cmp.Or(s.Key.PINPolicy, "unknown"), cmp.Or(s.Key.TouchPolicy, "unknown"))
		}
		if s.Certificate != nil {
			certificate = s.Certificate.Subject + ", until " + s.Certificate.NotAfter.Format(time.DateOnly)
			if s.Certificate.Expired {
				certificate += " " + string(style.Warn("(expired)"))
			}
		}
		term.Fprintf(w, "  slot %s\t%s\t%s\n", s.Slot, key, certificate)
		if s.Attestation != "" {
			term.Fprintf(w, "  \tattestation: %s\n", s.Attestation)
		}
	}
}

func tries(n *int) string {
	switch {
	case n == nil:
		return "unknown"
	case *n == 0:
		return "0 (blocked)"
	}
	return fmt.Sprint(*n)
}

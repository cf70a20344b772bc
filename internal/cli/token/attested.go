package token

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

// attestedView is a verified attestation as it is printed.
type attestedView struct {
	Serial      uint32    `json:"serial"`
	Firmware    string    `json:"firmware"`
	FormFactor  string    `json:"form_factor"`
	Slot        string    `json:"slot"`
	PINPolicy   string    `json:"pin_policy"`
	TouchPolicy string    `json:"touch_policy"`
	SPKISHA256  string    `json:"spki_sha256"`
	Compared    bool      `json:"compared"` // with a key or certificate that was given
	Hierarchy   string    `json:"hierarchy"`
	At          time.Time `json:"at"`
	Rehearsal   bool      `json:"rehearsal,omitempty"`
	Warning     string    `json:"warning,omitempty"`
}

func newAttestedView(a *attestation.Attestation, at time.Time, compared bool) (*attestedView, error) {
	digest, err := pki.SPKISHA256(a.PublicKey)
	if err != nil {
		return nil, err
	}
	return &attestedView{
		Serial: a.Serial, Firmware: a.Firmware.String(), FormFactor: a.FormFactor, Slot: a.Slot,
		PINPolicy: a.PINPolicy, TouchPolicy: a.TouchPolicy, SPKISHA256: digest, Compared: compared,
		Hierarchy: a.Hierarchy, At: at, Rehearsal: a.Rehearsal, Warning: leaky(a.Firmware),
	}, nil
}

func (v *attestedView) print(out io.Writer) error {
	style := term.StyleFor(out)
	return cmdutil.PrintText(out, cmdutil.Table(func(w *tabwriter.Writer) { v.rows(w, style) }))
}

func (v *attestedView) rows(w *tabwriter.Writer, style term.Style) {
	if v.Rehearsal {
		term.Fprintf(w, "%s\n", style.Warn("REHEARSAL: the token is virtual and proves nothing."))
	}
	key := "not compared: no --pubkey and no --cert was given"
	if v.Compared {
		key = "the given one"
	}
	serial := fmt.Sprint(v.Serial)
	if v.Serial == 0 {
		serial = "not stated by this firmware"
	}
	for _, line := range [][2]string{
		{"made in", "slot " + v.Slot + " of a YubiKey, and never outside"},
		{"serial", serial},
		{"firmware", v.Firmware},
		{"form factor", v.FormFactor},
		{"policies", fmt.Sprintf("PIN %s, touch %s", v.PINPolicy, v.TouchPolicy)},
		{"public key", v.SPKISHA256},
		{"compared", key},
		{"chain", "to " + v.Hierarchy + ", valid at " + v.At.Format(time.RFC3339)},
	} {
		term.Fprintf(w, "%s\t%s\n", line[0], line[1])
	}
	if v.Warning != "" {
		term.Fprintf(w, "%s %s\n", style.Warn("warning:"), v.Warning)
	}
}

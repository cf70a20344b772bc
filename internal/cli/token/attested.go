package token

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

// attestedView is a verified attestation as it is printed.
type attestedView struct {
	*attestation.Attestation
	SPKISHA256 string    `json:"spki_sha256"`
	Compared   bool      `json:"compared"` // with a key or certificate that was given
	At         time.Time `json:"at"`
	Warning    string    `json:"warning,omitempty"`
}

func (v attestedView) text(style term.Style) string {
	return cmdutil.Table(func(w *tabwriter.Writer) { v.rows(w, style) })
}

func (v attestedView) rows(w *tabwriter.Writer, style term.Style) {
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
		{"firmware", v.Firmware.String()},
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

package token

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/device"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/yubikey"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

type tokenVerifyOptions struct {
	*cmdutil.Factory
	slotCert, deviceCert string
	intermediates        string
	pubkey, cert         string
	expect               attestation.Expect
	at                   string
	rehearsal            bool
}

func newTokenVerifyAttestationCmd(f *cmdutil.Factory) *cobra.Command {
	o := &tokenVerifyOptions{Factory: f}
	cmd := cmdutil.Command(o, runTokenVerifyAttestation, "verify-attestation",
		"Check that a key was made in a YubiKey, with no token and no network",
		"Check that a key was made in a YubiKey: that the chain leads to one of Yubico's roots, which are part of this program, "+
			"and that key, serial number, slot and policies are the given ones.")
	flags := cmd.Flags()
	flags.StringVar(&o.slotCert, "slot-cert", "", "PEM file of the slot's attestation")
	flags.StringVar(&o.deviceCert, "device-cert", "", "PEM file of the token's own certificate, of slot f9")
	flags.StringVar(&o.intermediates, "intermediates", "", "PEM file of further certificates between f9 and the root")
	flags.StringVar(&o.pubkey, "pubkey", "", "PEM file of the public key that must be the attested one")
	flags.StringVar(&o.cert, "cert", "", "PEM file of a certificate whose key must be the attested one")
	flags.Uint32Var(&o.expect.Serial, "serial", 0, "serial number that the token must have")
	flags.StringVar(&o.expect.Slot, "slot", "", "slot that the key must be in")
	flags.StringVar(&o.expect.PINPolicy, "pin-policy", "", "PIN policy that the key must have")
	flags.StringVar(&o.expect.TouchPolicy, "touch-policy", "", "touch policy that the key must have")
	flags.StringVar(&o.at, "at", "", "judge the certificates' validity at this time, as 2026-11-02 or 2026-11-02T09:00:00Z (default: now)")
	cmdutil.RehearsalFlag(cmd, &o.rehearsal)
	return cmd
}

func runTokenVerifyAttestation(_ context.Context, o *tokenVerifyOptions) error {
	at, err := instant(o.Factory, o.at)
	if err != nil {
		return err
	}
	pair, err := o.pair()
	if err != nil {
		return err
	}
	if o.expect.PublicKey, err = o.expectedKey(); err != nil {
		return err
	}
	roots, err := device.Roots(o.Factory, o.rehearsal)
	if err != nil {
		return err
	}
	a, err := attestation.Verify(pair, roots, at)
	if err != nil {
		return err
	}
	if err := a.Match(o.expect); err != nil {
		return err
	}
	digest, err := pki.SPKISHA256(a.PublicKey)
	if err != nil {
		return err
	}
	v := attestedView{a, digest, o.expect.PublicKey != nil, at, leaky(a.Firmware)}
	return o.Print(v, v.text(term.StyleFor(o.Out)))
}

// instant reads the time at which validity is judged.
func instant(f *cmdutil.Factory, text string) (time.Time, error) {
	if text == "" {
		return f.Now, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, cmdutil.Usage("write it like 2026-11-02 or 2026-11-02T09:00:00Z", "--at %q is not a time", text)
}

func (o *tokenVerifyOptions) pair() (attestation.Pair, error) {
	if o.slotCert == "" || o.deviceCert == "" {
		return attestation.Pair{}, cmdutil.Usage("`trustroot token attest` writes both", "--slot-cert and --device-cert are both needed")
	}
	slot, errS := readCertificate(o.slotCert)
	device, errD := readCertificate(o.deviceCert)
	p := attestation.Pair{Slot: slot, Device: device}
	if o.intermediates == "" {
		return p, errors.Join(errS, errD)
	}
	data, err := cmdutil.ReadFile(o.intermediates)
	if err == nil {
		p.Intermediates, err = pki.ParseCertificates(data)
	}
	return p, errors.Join(errS, errD, err)
}

// expectedKey is nil where neither --pubkey nor --cert is given.
func (o *tokenVerifyOptions) expectedKey() (crypto.PublicKey, error) {
	switch {
	case o.pubkey != "" && o.cert != "":
		return nil, cmdutil.Usage("give one of them", "--pubkey and --cert are both given")
	case o.cert != "":
		c, err := readCertificate(o.cert)
		if err != nil {
			return nil, err
		}
		return c.PublicKey, nil
	case o.pubkey != "":
		data, err := cmdutil.ReadFile(o.pubkey)
		if err != nil {
			return nil, err
		}
		pub, err := pki.ParseAnyPublicKey(data)
		if err != nil {
			return nil, cmdutil.Usage("give a PEM file that begins with BEGIN PUBLIC KEY", "%s: %w", o.pubkey, err)
		}
		return pub, nil
	}
	return nil, nil
}

func readCertificate(path string) (*x509.Certificate, error) {
	data, err := cmdutil.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c, err := pki.ParseCertificate(data)
	if err != nil {
		return nil, cmdutil.Usage("give a PEM file with one certificate", "%s: %w", path, err)
	}
	return c, nil
}

// leaky is what is said of firmware whose ECDSA keys can be taken out.
func leaky(v yubikey.Version) string {
	if yubikey.CheckRootFirmware(v) == nil {
		return ""
	}
	return fmt.Sprintf("firmware %s leaks ECDSA keys to someone who holds the token (EUCLEAK, YSA-2024-03)", v)
}

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

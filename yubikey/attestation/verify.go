package attestation

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// Pair is what a token hands out about a key: the certificate that it made for
// the slot, and the certificate of its slot f9 that signed it. Intermediates
// between f9 and a root may be added; Yubico's are known already.
type Pair struct {
	Slot, Device  *x509.Certificate
	Intermediates []*x509.Certificate
}

// Attestation is what a verified slot certificate says.
type Attestation struct {
	Serial      uint32           `json:"serial"` // 0: the token's firmware does not state it
	Firmware    Version          `json:"firmware"`
	FormFactor  string           `json:"form_factor"`
	Slot        string           `json:"slot"`         // hex: "9c"
	PINPolicy   string           `json:"pin_policy"`   // never, once, always, match-once, match-always
	TouchPolicy string           `json:"touch_policy"` // never, always, cached
	PublicKey   crypto.PublicKey `json:"-"`
	Hierarchy   string           `json:"hierarchy"`           // common name of the root at which the chain ends
	Rehearsal   bool             `json:"rehearsal,omitempty"` // the root was a rehearsal's, so no real token is behind it
}

// Verify checks that the device certificate signed the slot certificate, that
// it leads to one of roots, that every certificate of the chain is valid at
// the given time, and that the extensions can be read. The certificates are
// not changed. Each failure has a reason of its own.
func Verify(p Pair, roots Roots, at time.Time) (*Attestation, error) {
	a, err := verify(p, roots, at)
	if err != nil {
		return nil, fault.New(fault.Verification, hint(p, err), fmt.Errorf("verify attestation: %w", err))
	}
	return a, nil
}

// VerifyDevice verifies the certificate that a token was made with, slot f9,
// before there is a key to attest.
func VerifyDevice(device *x509.Certificate, roots Roots, at time.Time) error {
	p := Pair{Slot: device, Device: device}
	if _, err := leads(asIssuer(device), nil, roots, at); err != nil {
		return fault.New(fault.Verification, hint(p, err), fmt.Errorf("verify the token's own certificate: %w", err))
	}
	return nil
}

// leads returns the chains from a certificate to a root.
func leads(c *x509.Certificate, between []*x509.Certificate, roots Roots, at time.Time) ([][]*x509.Certificate, error) {
	o := x509.VerifyOptions{
		Roots:         x509.NewCertPool(),
		Intermediates: x509.NewCertPool(),
		CurrentTime:   at,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}
	for _, c := range roots.roots {
		o.Roots.AddCert(c)
	}
	for _, c := range slices.Concat(between, roots.intermediates) {
		if c != nil {
			o.Intermediates.AddCert(c)
		}
	}
	chains, err := c.Verify(o)
	if err != nil {
		return nil, fmt.Errorf("the device certificate does not lead to %s: %w", roots.names(), err)
	}
	return chains, nil
}

// hint names the way out. Yubico adds intermediates from time to time, so a
// device certificate of theirs whose issuer is unknown may only need that one.
func hint(p Pair, err error) string {
	var authority x509.UnknownAuthorityError
	if errors.As(err, &authority) && strings.HasPrefix(p.Device.Issuer.CommonName, "Yubico ") {
		return fmt.Sprintf("if %q is newer than this build, add its certificate from https://developers.yubico.com/PKI/yubico-intermediate.pem",
			p.Device.Issuer.CommonName)
	}
	return "export the slot and the device certificate again from one and the same token; a key that was imported has no attestation"
}

func verify(p Pair, roots Roots, at time.Time) (*Attestation, error) {
	switch {
	case p.Slot == nil:
		return nil, errors.New("the slot certificate is missing")
	case p.Device == nil:
		return nil, errors.New("the device certificate is missing")
	case len(roots.roots) == 0:
		return nil, errors.New("no attestation root to verify against")
	}
	if err := signed(p.Slot, p.Device); err != nil {
		return nil, err
	}
	if err := shape(p.Slot, p.Device); err != nil {
		return nil, err
	}
	root, err := chain(p, roots, at)
	if err != nil {
		return nil, err
	}
	a, err := Unverified(p.Slot)
	if err != nil {
		return nil, err
	}
	a.Hierarchy = root.Subject.CommonName
	a.Rehearsal = roots.rehearsal
	return a, nil
}

// shape refuses a slot certificate that is not a leaf, and certificates with
// other subjects than tokens have: one common name, the device's of the PIV
// application and not of another one that Yubico attests.
func shape(slot, device *x509.Certificate) error {
	if slot.IsCA || slot.KeyUsage&(x509.KeyUsageCertSign|x509.KeyUsageCRLSign) != 0 {
		return errors.New("the slot certificate says that it is a CA, which no token writes")
	}
	for _, c := range []struct {
		name string
		cert *x509.Certificate
	}{{"slot", slot}, {"device", device}} {
		if names := c.cert.Subject.Names; len(names) != 1 || c.cert.Subject.CommonName == "" {
			return fmt.Errorf("the %s certificate's subject %q is not one common name", c.name, c.cert.Subject)
		}
	}
	if !strings.Contains(strings.ToLower(device.Subject.CommonName), "piv attestation") {
		return fmt.Errorf("the device certificate's subject %q is not of a PIV application", device.Subject)
	}
	return nil
}

// chain returns the root of a valid chain slot ← device ← … ← root.
func chain(p Pair, roots Roots, at time.Time) (*x509.Certificate, error) {
	for _, c := range []struct {
		name string
		cert *x509.Certificate
	}{{"slot", p.Slot}, {"device", p.Device}} {
		if at.Before(c.cert.NotBefore) || at.After(c.cert.NotAfter) {
			return nil, fmt.Errorf("the %s certificate is valid from %s to %s, not at %s", c.name,
				stamp(c.cert.NotBefore), stamp(c.cert.NotAfter), stamp(at))
		}
	}
	device := asIssuer(p.Device)
	chains, err := leads(p.Slot, append(slices.Clone(p.Intermediates), device), roots, at)
	if err != nil {
		return nil, err
	}
	for _, c := range chains {
		if len(c) > 2 && c[1].Equal(device) {
			return c[len(c)-1], nil
		}
	}
	return nil, errors.New("the chain to the root does not pass through the device certificate")
}

// asIssuer returns the device certificate as one that may sign: some YubiKey 4
// carry a certificate without basic constraints (RFC 5280 4.2.1.9 wants them),
// which piv-go v2.6.0 mends in the same way. One that says it is not a CA stays
// none.
func asIssuer(device *x509.Certificate) *x509.Certificate {
	if device.BasicConstraintsValid || device.Subject.CommonName != "Yubico PIV Attestation" {
		return device
	}
	c := *device
	c.BasicConstraintsValid, c.IsCA = true, true
	return &c
}

// signed checks the signature of the slot certificate by the device's key.
func signed(slot, device *x509.Certificate) error {
	if !bytes.Equal(slot.RawIssuer, device.RawSubject) {
		return fmt.Errorf("the slot certificate was issued by %q, and the device certificate is %q's",
			slot.Issuer, device.Subject)
	}
	err := device.CheckSignature(slot.SignatureAlgorithm, slot.RawTBSCertificate, slot.Signature)
	switch made := madeBy(device.PublicKey, slot.Signature); {
	case err == nil:
		return nil
	case made == yes:
		return fmt.Errorf("the slot certificate was changed after this device signed it: %w", err)
	case made == no:
		return fmt.Errorf("the slot certificate was signed by another device: %w", err)
	}
	return fmt.Errorf("the device certificate's key did not sign this slot certificate: %w", err)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

//go:build cgo

package yubikey

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/go-piv/piv-go/v2/piv"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

// Slot tells what is in a slot: the key as the token describes it, and the
// certificate stored beside it. Firmware below 5.3 cannot describe a key; then
// an attestation answers for a generated one, and a slot that holds nothing but
// a certificate counts as in use with an unknown key.
func (t *Token) Slot(s Slot) (SlotInfo, error) {
	info, err := key(t, s)
	if err != nil {
		return SlotInfo{}, err
	}
	info.Certificate, err = t.Certificate(s)
	if err != nil && !errors.Is(err, ErrNoCertificate) {
		return SlotInfo{}, err
	}
	if info.Empty && info.Certificate != nil && t.id.Firmware.Less(metadataFirmware) {
		info.Empty, info.Origin = false, OriginUnknown
		info.Algorithm = algorithmName(info.Certificate.PublicKey)
	}
	return info, nil
}

// key describes a slot's key. Answers are kept: while the token is open nobody
// else can change it.
func key(t *Token, s Slot) (SlotInfo, error) {
	if info, ok := t.known[s]; ok {
		return info, nil
	}
	slot, err := slotOf(t, s)
	if err != nil {
		return SlotInfo{}, err
	}
	var info SlotInfo
	if t.id.Firmware.Less(metadataFirmware) {
		info, err = attestedKey(t, s)
	} else {
		info, err = describedKey(t, s, slot)
	}
	if err != nil {
		return SlotInfo{}, err
	}
	t.known[s] = info
	return info, nil
}

// describedKey asks with GET METADATA: one exchange.
func describedKey(t *Token, s Slot, slot piv.Slot) (SlotInfo, error) {
	k, err := t.yk.KeyInfo(slot)
	switch {
	case errors.Is(err, piv.ErrNotFound):
		return SlotInfo{Slot: s, Empty: true}, nil
	case err != nil && strings.HasPrefix(err.Error(), textCommand):
		return SlotInfo{}, explain(fmt.Sprintf("read slot %s", s), err)
	case err != nil:
		// a key of a kind that piv-go does not know is a key all the same.
		return SlotInfo{Slot: s, Algorithm: "unknown", Origin: OriginUnknown}, nil //nolint:nilerr // only the parser failed
	}
	return SlotInfo{
		Slot: s, Algorithm: algorithmName(k.PublicKey), Origin: cmp.Or(originNames[k.Origin], OriginUnknown),
		PINPolicy: pinNames[k.PINPolicy], TouchPolicy: touchNames[k.TouchPolicy], PublicKey: k.PublicKey,
	}, nil
}

// attestedKey asks for an attestation: what the certificate's bytes need, and
// an answer only for a generated key. Otherwise the slot is reported empty.
func attestedKey(t *Token, s Slot) (SlotInfo, error) {
	slot, err := s.pivSlot()
	if err != nil {
		return SlotInfo{}, err
	}
	c, err := t.yk.Attest(slot)
	if errors.Is(err, piv.ErrNotFound) {
		return SlotInfo{Slot: s, Empty: true}, nil
	}
	if err != nil {
		return SlotInfo{}, explain(fmt.Sprintf("attest slot %s", s), err)
	}
	a, err := attestation.Unverified(c)
	if err != nil {
		return SlotInfo{}, fault.New(fault.Device, "try another token; this one's attestations cannot be read",
			fmt.Errorf("attest slot %s: %w", s, err))
	}
	if a.Slot != string(s) {
		return SlotInfo{}, fault.New(fault.Device, "try another token; this one's attestations cannot be relied on",
			fmt.Errorf("attest slot %s: the attestation speaks of slot %s", s, a.Slot))
	}
	return infoOf(a, s), nil
}

// infoOf is what an attestation says of a slot.
func infoOf(a *attestation.Attestation, s Slot) SlotInfo {
	return SlotInfo{
		Slot: s, Algorithm: algorithmName(a.PublicKey), Origin: Generated,
		PINPolicy: a.PINPolicy, TouchPolicy: a.TouchPolicy, PublicKey: a.PublicKey,
	}
}

// DeviceCertificate reads the certificate that the token was made with, slot f9.
func (t *Token) DeviceCertificate() (*x509.Certificate, error) {
	if err := t.open(); err != nil {
		return nil, err
	}
	c, err := t.yk.AttestationCertificate()
	if errors.Is(err, piv.ErrNotFound) {
		return nil, fault.New(fault.Device, "take another token: this one lost the certificate that it was made with", errors.New("slot f9 holds no certificate"))
	}
	if err != nil {
		return nil, explain("read slot f9", err)
	}
	return c, nil
}

// Attest has the token attest the key in a slot: the certificate that it makes
// for it and that of its slot f9. Nothing is verified here.
func (t *Token) Attest(s Slot) (attestation.Pair, error) {
	slot, err := slotOf(t, s)
	if err != nil {
		return attestation.Pair{}, err
	}
	doing := fmt.Sprintf("attest slot %s", s)
	if t.id.Firmware.Less(attestFirmware) {
		return attestation.Pair{}, fault.New(fault.Device, "take a token with firmware 4.3 or newer",
			fmt.Errorf("%s: %w: attestation came with %s, this is %s", doing, ErrFirmware, attestFirmware, t.id.Firmware))
	}
	c, err := t.yk.Attest(slot)
	if errors.Is(err, piv.ErrNotFound) {
		return attestation.Pair{}, notAttestable(t, s, doing)
	}
	if err != nil {
		return attestation.Pair{}, explain(doing, err)
	}
	device, err := t.DeviceCertificate()
	if err != nil {
		return attestation.Pair{}, fmt.Errorf("%s: %w", doing, err)
	}
	if a, err := attestation.Unverified(c); err == nil && a.Slot == string(s) {
		t.known[s] = infoOf(a, s)
	}
	return attestation.Pair{Slot: c, Device: device}, nil
}

func notAttestable(t *Token, s Slot, doing string) error {
	info, err := key(t, s)
	if err != nil {
		return err
	}
	if info.Empty {
		return fault.New(fault.Device, "generate a key there first, or name another slot",
			fmt.Errorf("%s: %w", doing, ErrSlotEmpty))
	}
	return fault.New(fault.Device, "only a key that was generated on the token can be attested",
		fmt.Errorf("%s: the key was imported", doing))
}

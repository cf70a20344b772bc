package ceremony

import (
	"crypto"
	"crypto/x509"

	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/yubikey"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

// Device is the root's token, open and identified.
type Device interface {
	Identity() yubikey.Identity
	Slot(yubikey.Slot) (yubikey.SlotInfo, error)
	Generate(yubikey.Slot, yubikey.KeyOptions) (crypto.PublicKey, error)
	Attest(yubikey.Slot) (attestation.Pair, error)
	// Signer returns a signer only where the slot's public key equals expected.
	Signer(slot yubikey.Slot, expected crypto.PublicKey) (crypto.Signer, error)
	Install(yubikey.Slot, *x509.Certificate) error
	// Overwrite makes a new key over the expected one, which is then gone.
	Overwrite(slot yubikey.Slot, expected crypto.PublicKey, o yubikey.KeyOptions) (crypto.PublicKey, error)
	Close() error
}

// Operator is the person at the ceremony host.
type Operator interface {
	Confirm(term.Question) error
	Secret(prompt string) ([]byte, error)
	Notice(text string)
}

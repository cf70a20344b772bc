package ceremony

import (
	"context"
	"crypto"
	"crypto/x509"
	"time"

	"github.com/linnemanlabs/trustroot/ceremony/journal"
	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/yubikey"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

// Options are what a ceremony runs with.
type Options struct {
	Request  *request.Request
	Serial   uint32 // of the token that the operator named
	Out      string // the folder that the record is written to
	Operator Operator
	Linter   Linter
	// Open opens the token with this serial number and no other.
	Open func(ctx context.Context, serial uint32) (Device, error)
	// Ready makes a new token ready before the first question; nil leaves it.
	Ready func(context.Context) error
	// Roots are the attestation roots that the token must chain to.
	Roots attestation.Roots
	// Now is read once; validity comes from the plan, not from here.
	Now time.Time
	// Host is what was found on this machine.
	Host Host
	// AllowNetwork sets aside that the host has a network; it is journaled.
	AllowNetwork bool

	hook journal.Hook // tests cut the power there
}

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

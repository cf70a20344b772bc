//go:build !cgo

package yubikey

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

func noPCSC() error {
	return fault.New(fault.Device,
		"build trustroot with CGO_ENABLED=1 on a machine that has libpcsclite-dev and pkg-config, and use that binary",
		ErrNoPCSC)
}

// Token is a YubiKey; this build cannot open one.
type Token struct{}

// List answers ErrNoPCSC.
func List(context.Context) ([]Info, error) { return nil, noPCSC() }

// Open answers ErrNoPCSC.
func Open(context.Context, uint32, Prompter) (*Token, error) { return nil, noPCSC() }

// Reopen answers ErrNoPCSC.
func Reopen(context.Context, uint32, Prompter) (*Token, error) { return nil, noPCSC() }

// Identity is empty.
func (*Token) Identity() Identity { return Identity{} }

// Info answers ErrNoPCSC.
func (*Token) Info() (Info, error) { return Info{}, noPCSC() }

// Slot answers ErrNoPCSC.
func (*Token) Slot(Slot) (SlotInfo, error) { return SlotInfo{}, noPCSC() }

// Generate answers ErrNoPCSC.
func (*Token) Generate(Slot, KeyOptions) (crypto.PublicKey, error) { return nil, noPCSC() }

// Overwrite answers ErrNoPCSC.
func (*Token) Overwrite(Slot, crypto.PublicKey, KeyOptions) (crypto.PublicKey, error) {
	return nil, noPCSC()
}

// Import answers ErrNoPCSC.
func (*Token) Import(Slot, KeyOptions, *ecdsa.PrivateKey) error { return noPCSC() }

// Attest answers ErrNoPCSC.
func (*Token) Attest(Slot) (attestation.Pair, error) { return attestation.Pair{}, noPCSC() }

// Signer answers ErrNoPCSC.
func (*Token) Signer(Slot, crypto.PublicKey) (crypto.Signer, error) { return nil, noPCSC() }

// Install answers ErrNoPCSC.
func (*Token) Install(Slot, *x509.Certificate) error { return noPCSC() }

// Certificate answers ErrNoPCSC.
func (*Token) Certificate(Slot) (*x509.Certificate, error) { return nil, noPCSC() }

// Provision answers ErrNoPCSC.
func (*Token) Provision(ProvisionOptions) error { return noPCSC() }

// Protect answers ErrNoPCSC.
func (*Token) Protect(func() ([]byte, error)) (bool, error) { return false, noPCSC() }

// SetRetries answers ErrNoPCSC.
func (*Token) SetRetries(ProvisionOptions) error { return noPCSC() }

// DeviceCertificate answers ErrNoPCSC.
func (*Token) DeviceCertificate() (*x509.Certificate, error) { return nil, noPCSC() }

// FactoryPIN answers ErrNoPCSC.
func FactoryPIN(*Token) (bool, error) { return false, noPCSC() }

// Provisionable answers ErrNoPCSC.
func (*Token) Provisionable(ProvisionOptions) error { return noPCSC() }

// Vacant answers ErrNoPCSC.
func (*Token) Vacant(Slot) error { return noPCSC() }

// Unblock answers ErrNoPCSC.
func (*Token) Unblock(_, _ []byte) error { return noPCSC() }

// ChangePIN answers ErrNoPCSC.
func (*Token) ChangePIN(_, _ []byte) error { return noPCSC() }

// ChangePUK answers ErrNoPCSC.
func (*Token) ChangePUK(_, _ []byte) error { return noPCSC() }

// Retries answers ErrNoPCSC.
func (*Token) Retries() (int, error) { return 0, noPCSC() }

// Reset answers ErrNoPCSC.
func (*Token) Reset() error { return noPCSC() }

// Close does nothing.
func (*Token) Close() error { return nil }

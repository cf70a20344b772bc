// Package yubikey is the token: everything that a ceremony and a key holder
// need of a YubiKey's PIV application, over piv-go, which needs cgo and PC/SC.
// A build without cgo has the same types and functions, and every function
// answers ErrNoPCSC.
//
// A token is chosen by its serial number, never by its place among the
// readers; other tokens are asked for their serial number and nothing else.
//
// It refuses to overwrite a key, to hand out a signer for a key other than the
// expected one, to send a PIN as the last try unless that was confirmed, and
// to send a factory PIN, PUK or management key anywhere but in the step that
// replaces it, on a token that itself says that it is still the factory's.
// Slot f9 is never written.
//
// PINs and management keys are kept in buffers that are wiped on Close. What
// stays out of reach: piv-go takes PINs as strings and copies them into the
// commands that it sends, cgo and libpcsclite copy those again, and neither is
// wiped. Harden keeps these copies out of swap and core files; docs/secrets.md
// names all that is wiped and all that is not.
//
// It may import yubikey/attestation, internal/fault, piv-go and scard (for the
// few commands that piv-go does not have), and nothing that reaches a network.
package yubikey

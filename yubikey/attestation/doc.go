// Package attestation judges YubiKey PIV attestations: whether a key was made
// inside a token, which token, and under which PIN and touch policies. It
// needs no token, no network, no cgo and no clock of its own.
//
// It refuses a slot certificate that the given device certificate did not
// sign, a device certificate that does not lead to a root of the chosen set,
// certificates outside their validity at the given time, and extensions that
// are missing, malformed or unknown. It does not know which key, serial number
// or policies were wanted: Match compares.
//
// Yubico's certificates are embedded. The root of a rehearsal is a set of its
// own (Rehearsal) and is never mixed with Yubico's.
//
// It imports the standard library and internal/fault, and never piv-go, whose
// verifier needs cgo; a test holds the two against each other.
package attestation

// Package pki makes certificates: profiles, certification requests, issuing,
// chains and fingerprints.
//
// A certificate is issued only from a Prepared value, which exists only after
// its to-be-signed bytes were checked and linted under a throwaway key; after
// signing, the bytes must be the linted ones, and signature and chain are
// verified before anyone sees the certificate. Keys are ECDSA on P-256 or
// P-384; everything else is refused, as is whatever a profile forbids.
//
// The package holds no private key and opens no file, no device and no
// connection: callers hand it a crypto.Signer. Of the project it imports
// templates only.
package pki

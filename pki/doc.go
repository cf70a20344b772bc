// Package pki makes certificates: profiles, certification requests, issuing,
// chains and fingerprints.
//
// A certificate is issued only from a Prepared value, which exists only after
// its to-be-signed bytes were linted under a throwaway key. The package holds
// no private key and opens no file, no device and no connection: callers hand
// it a crypto.Signer.
package pki

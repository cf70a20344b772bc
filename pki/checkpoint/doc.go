// Package checkpoint knows the keys with which transparency logs sign their
// checkpoints: log IDs, note key hashes and verifier strings of Rekor v2 and
// of static-ct-api logs such as TesseraCT.
//
// It refuses every key that is not ECDSA on P-256 and says which client would
// fail with it and how, and origins that verifiers derive differently. Of the
// project it imports pki only.
package checkpoint

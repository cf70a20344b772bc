// Package tuf distributes the trust root as a TUF repository that people sign
// with tokens and that a KMS key keeps fresh.
//
// A change goes one way: it is staged as a folder, holders sign it there, the
// signatures are merged, and the sealed metadata is published to a object.
// Every step reads what the step before wrote and checks it alone. Snapshot
// and timestamp are signed by the online key when something is published or
// refreshed. Verify looks at a repository as go-tuf's own updater does and then
// at what clients do not check.
//
// Refused: keys that are not ECDSA on P-256, a threshold of one that was not
// allowed by name, a signature over another version, a version that goes back,
// other bytes under a published version, and any repository that Verify would
// reject.
//
// The package is the only one that imports go-tuf. Of the project it imports
// pki, pki/plan, pki/tuf/store, internal/durable, internal/fault,
// internal/strict.
package tuf

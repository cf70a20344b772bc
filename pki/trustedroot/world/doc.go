// Package world is a Sigstore instance in memory: a Fulcio, a CT log, a TSA and
// a Rekor v2 log under keys that the caller holds. It signs bundles as the
// running services would, with real certificates, timestamps, inclusion proofs
// and checkpoints, so that a trusted root can be tried before there are
// services.
//
// Each bundle stands in a log of one entry. It is for rehearsals and tests
// alone; no command reaches it outside a rehearsal's directory. Within the
// project it imports nothing.
package world

// Package trustedroot makes and judges the two files by which verifiers and
// signers find a Sigstore instance: trusted_root.json and signing_config
// (sigstore/protobuf-specs, sigstore_trustroot.proto).
//
// Build and BuildSigningConfig are pure functions of the plan, the ledger and
// the files that the ledger names: same input, same bytes, whatever the clock,
// the time zone, the locale or the order of a map. Lint, Diff, Show and Check
// judge any such file, whoever made it.
//
// The package refuses to build from a ledger whose files are missing or differ
// from their digests, whose windows leave their certificates or each other, or
// in which one key serves two logs; it reports all of that at once. It never
// leaves out a generation.
//
// It reads only the file system that it is given and writes nothing. Within
// the project it imports pki, pki/plan, pki/ledger and internal packages;
// sigstore-go and protobuf-specs are used nowhere else but in internal/gate
// and internal/services.
package trustedroot

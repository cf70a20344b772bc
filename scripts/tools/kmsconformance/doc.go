// Command kmsconformance serves programs that others wrote to
// scripts/kms-conformance: a KMS (nsmithuk/local-kms), on loopback alone, and
// Sigstore's own awskms:// provider.
//
// It is a module of its own, so that neither enters the product, and it
// imports nothing of the product: what judges must not share its mistakes.
package main

// Command e2e proves that what a ceremony makes runs the whole of Sigstore:
// Fulcio, Rekor v2, TesseraCT and the timestamp authority, started with what
// `trustroot services render` writes from a rehearsal's outputs, and cosign,
// npm's sigstore and openssl as their clients. It renews every role while they
// run, starts services wrongly to see each mistake found, stops a witness in the
// middle, retires a log whose key a thief goes on with, and takes everything
// down. scripts/e2e builds the programs and runs it.
//
// It prints one line a check, and exits with 1 where one did not hold. All of
// it stays on loopback: every program is given a proxy that knows the plan's
// names and refuses any other.
//
// It is a module of its own, so that nothing here enters the product, and it
// imports nothing of the product: the product is run, not linked. The one
// exception is ctlog, which shows what package kms is good for.
package main

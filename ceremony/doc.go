// Package ceremony walks a person through the day at the root's token: one
// reviewed request goes in, one record comes out. It judges records for anyone,
// and lets witnesses sign them.
//
// Every step's intent and result are in the journal before the next step
// begins, so that a ceremony cut at any instant goes on with the same command.
// The package refuses a host with a network, a clock outside the plan's day,
// another token than the plan's, a request that does not check, and one that
// is not newer than the newest that the token remembers. It opens no connection
// and starts no program.
//
// It imports its journal, record and request, pki, pki/anchor, pki/plan,
// pki/ledger, yubikey, yubikey/attestation, templates, and the internal
// packages courier, fault, term and version.
package ceremony

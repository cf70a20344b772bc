// Package services says what Fulcio, the timestamp authority, Rekor v2 and
// TesseraCT are started with, from plan and ledger: chain files in the order
// and form that each reads, flags, and units to start them.
//
// It refuses what the programs accept and fail on later: a chain that is
// reversed, short or without keyCertSign, a CT key that is not P-256, a Rekor
// host name other than the base URL's, and a generation that verifiers cannot
// have fetched yet.
//
// It asks the running ones too, the published repository and copies of
// trusted_root.json beside them, and holds what they answer against plan and
// ledger. An answer is bounded, and read as what a stranger might have written;
// no question but a request for a timestamp makes anybody write.
//
// Anchor asks a timestamp authority and a log to say that a statement exists,
// and returns nothing that it has not proved.
//
// It may import pki and what lies below, pki/trustedroot, pki/tuf, templates,
// internal/courier, internal/fault and internal/version.
package services

import _ "github.com/linnemanlabs/trustroot/pki/tuf/client" // the client that reads repositories

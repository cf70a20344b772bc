// Package gate decides at deploy time whether an artifact may run: by default
// two Sigstore bundles beside it must both hold, one signed by the
// application's own key and one keyless, by an identity that a policy pins with
// the claims of its certificate. The policy's rule may ask for other numbers.
//
// It refuses a bundle without a log entry that holds by itself, without a signed
// time, or, when keyless, without a signed certificate timestamp; a certificate
// with more than one subject, or one that contradicts itself; and an entry of a
// retired log that was written after the log's end. It reaches for no network:
// trust comes from a file, from a directory that mirrors the TUF repository, or
// from a TUF client's cache. The verdict is sigstore-go's together with the
// claims compared here; what is explained afterwards can only add refusals.
//
// It may import pki, pki/trustedroot, pki/tuf, internal/fault,
// internal/strict.
package gate

import _ "github.com/linnemanlabs/trustroot/pki/tuf/client" // the client that reads repositories

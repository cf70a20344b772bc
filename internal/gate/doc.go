// Package gate decides at deploy time whether an artifact may run: two Sigstore
// bundles beside it must both hold, one signed by the application's own key and
// one keyless, from the workflow, repository and git reference that a policy
// pins.
//
// It refuses a bundle without a log entry, without a signed time, or, when
// keyless, without a signed certificate timestamp. It reaches for no network:
// trust comes from a file, from a directory that mirrors the TUF repository, or
// from a TUF client's cache. The verdict is sigstore-go's together with the
// claims compared here; what is explained afterwards can only add refusals.
//
// It may import pki, pki/trustedroot, pki/tuf, internal/fault,
// internal/pattern and internal/strict.
package gate

// Package sigstore has the services of pki/trustedroot/world answer over HTTP,
// under keys of their own where a test has none: for tests of what asks the
// services.
package sigstore

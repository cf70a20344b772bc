// Command ctlog is a Certificate Transparency log whose key stays in KMS: it
// stands over TesseraCT's own library and takes the signer from package kms.
// Upstream's programs read a private key from a file, and nothing else keeps
// them from this.
//
// It takes the flags of upstream's posix program that `trustroot services
// render` writes, and -kms_key in place of -private_key. It is the
// demonstration and what scripts/e2e runs, not a hardened server: rate limits
// and metrics are left to whoever builds one.
package main

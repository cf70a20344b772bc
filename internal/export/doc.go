// Package export brings certification requests and public keys from KMS into a
// trust directory, each beside the evidence of its key.
package export

// Package anchor is the proof of when a signed statement existed: an RFC 3161
// timestamp over the statement, and the entry of its signature in a Rekor v2
// log with inclusion proof and checkpoint.
//
// An anchor is a folder, named for the time that its timestamp says:
//
//	statement.tsr              the timestamp over the statement, as openssl ts -verify reads it
//	statement.sigstore.json    a Sigstore bundle: the envelope, its log entry, a timestamp over its signature
//	tsa-chain.pem              the timestamp authority's certificates, leaf-first, root last
//	rekor.pub                  the log's public key
//	SHA256SUMS                 every file but itself
//
// Rekor v2 logs an envelope as a hashedrekord over its pre-authentication
// encoding (rekor-tiles, CLIENTS.md), so that the entry follows from envelope
// and key alone: it is made again here and compared byte for byte.
//
// The package refuses a timestamp that does not lead to the root that it is
// given or that lies before the statement could exist, an entry of anything
// else, a proof or checkpoint that does not hold, and JSON or PEM that is not
// in the one form that is written here. It opens no connection. Within the
// project it imports pki, pki/checkpoint and the internal packages courier and
// strict.
package anchor

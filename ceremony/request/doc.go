// Package request is what the admin host hands to the ceremony host on a
// stick: certification requests, the evidence of their keys, the plan, the
// ledger and the certificates that exist already.
//
// A request is a folder and one tar of it, laid out as
//
//	0001-founding/
//	    request.json                        what the ceremony is asked for: a Manifest
//	    pki.yaml                            the plan
//	    ledger.jsonl                        the ledger
//	    authorities/fulcio/g1/request.csr   PKCS#10, signed by the key
//	    authorities/fulcio/g1/key.json      evidence of a key in KMS
//	    authorities/…/certificate.pem       the root and previous generations, where there are any
//	    SHA256SUMS                          every other file; sha256sum -c reads it
//	0001-founding.tar                       the same, byte for byte the same every time
//
// Its digest is the SHA-256 of SHA256SUMS, the same for folder and tar.
//
// Nothing about a stick is trusted. Number, size, depth, kind and names of
// files are bounded before they are read; a link, a device, a path that leads
// out, an extra, missing or changed file is refused and named. Then the files
// are held against each other exactly as when they were made: each request's
// own signature, its key against the plan's pin and the evidence, its subject
// against the plan, certificates against the ledger. A request for a key other
// than the plan's pin is refused, whoever made it.
//
// Evidence is read for two strings, the key's ARN and fingerprint, and shown
// to auditors as it is: KMS attests nothing, the pin is what counts.
//
// The package imports pki, pki/plan, pki/ledger, internal/courier, internal/durable,
// internal/fault and internal/strict. It opens no connection and starts no
// program.
package request

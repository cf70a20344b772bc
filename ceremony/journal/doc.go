// Package journal is the memory of a ceremony: JSON lines, each chained to the
// one before by SHA-256 and flushed to disk before the ceremony goes on.
//
// A line looks like
//
//	{"seq":7,"prev":"<hex>","time":"2026-11-02T09:14:03Z","kind":"intent","step":"sign fulcio","attempt":1,"data":{…}}
//
// and prev is the SHA-256 of the previous raw line with its newline, 64 zeros
// in the first. An auditor reads it with jq, and checks a link with sha256sum:
//
//	jq -r 'select(.step=="sign fulcio") | [.time,.kind,.attempt] | @tsv' journal.jsonl
//	sed -n 6p journal.jsonl | sha256sum
//
// Every step is written down as an intent before it is done and as a result
// after. An intent without a result, which is what a power cut leaves, may be
// repeated with the very same data only, as the next attempt; a step with a
// result is never begun again; and the journal does not close while a step is
// without its outcome.
//
// The package refuses any line that is not byte for byte what it would write
// itself: an unknown field, a repeated key, another spacing, a number out of
// order. Only a last line that a crash cut short is taken: it is kept in a
// file beside the journal, and the next line holds its digest and length.
// What is written must never hold a secret: the journal leaves with the
// record.
//
// It imports the standard library, internal/durable and internal/fault,
// and nothing more.
package journal

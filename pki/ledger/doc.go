// Package ledger keeps ledger.jsonl: every serial ever signed, every generation
// of every key, every cutover, with the digests of the files that it speaks of.
// Authorities' windows, and with the plan trusted_root.json, follow from it.
//
// A ledger only grows. Each line carries the hash of the line before and a sum
// of itself, and is written in one exact form, so that reading finds any byte
// that changed; a line may only say what the lines before allow. What a crash
// left of the last write is recognised, reported, and cut off by the next
// append. A ledger that was shortened by whole lines or rewritten from the
// start can only be found out with a head that is kept elsewhere: CheckHead.
//
// It refuses any other damage, and it never repairs it. It reads no clock.
//
// It imports internal/durable, internal/fault and
// internal/strict.
package ledger

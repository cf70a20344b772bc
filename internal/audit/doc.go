// Package audit makes the folder that an auditor is given, and checks it.
//
// A pack is a function of the trust directory alone: the same directory gives
// the same bytes. Its directory/ holds the plan, the ledger, every file that the
// ledger speaks of, and every record; rows.json has a row for each key, record,
// certificate, exception and device, with the digest of what it rests on and the
// command that checks it. To check a pack, its digests are compared, and all of
// it is made from its directory/ again.
//
// It imports internal/trustdir, ceremony and what lies below.
package audit

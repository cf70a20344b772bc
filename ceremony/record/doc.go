// Package record is what a ceremony hands back: a folder that anyone can check
// with no token and no network.
//
// A record is laid out as
//
//	sealed/
//	    request/                            the request as it came
//	    journal.jsonl
//	    report.html                         for people; it needs no network and no script
//	    certificates/<authority>-g<N>.pem   and <authority>-g<N>-chain.pem, leaf-first, root last
//	    attestation/                        slot.pem of the root key, record-slot.pem of the record key,
//	                                        device.pem of the token
//	    SHA256SUMS                          every file under sealed/ but itself
//	signatures/
//	    record-key.dsse.json                the record key's, made at the ceremony
//	    witness-<serial>/statement.dsse.json a witness's, beside slot.pem and device.pem of its key
//	anchors/<UTC time>/                     when the statement existed at the latest, as package anchor has it
//	session/                                recordings and pictures, which nothing here reads
//
// Every signature is over the same in-toto statement, which follows from the
// sealed files alone: it names each with its SHA-256 and says what the
// ceremony made. An envelope is the canonical JSON of DSSE as this package
// writes it, so that no byte of it can be another.
//
// The package reads and writes that layout and refuses what is not in it; what
// the files mean is judged by package ceremony. It imports the standard
// library, the DSSE library, pki/anchor, internal/courier, internal/durable,
// internal/fault. It opens no connection and starts no
// program.
package record

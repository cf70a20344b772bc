// Package record is what a ceremony hands back: a folder that anyone can check
// with no token and no network.
//
// A record is laid out as
//
//	sealed/
//	    request/                            the request as it came
//	    journal.jsonl
//	    certificates/<authority>-g<N>.pem   and <authority>-g<N>-chain.pem, leaf-first, root last
//	    attestation/{slot,device}.pem       of the root key, where this ceremony made it
//	    SHA256SUMS                          every file under sealed/ but itself
//
// The package reads and writes that layout and refuses what is not in it; what
// the files mean is judged by package ceremony. It opens no connection and
// starts no program.
package record

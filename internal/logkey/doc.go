// Package logkey reads the public keys of logs, refuses those that some client
// cannot verify with, and enters them into the ledger of a trust directory.
package logkey

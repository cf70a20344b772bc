// Package trustdir opens a trust directory, names every path in it, writes a
// file once, appends to its ledger and finds the ledger's heads that are kept
// elsewhere. It reads and writes nothing outside the directory, and reaches no
// network and no token.
package trustdir

// Package attacks holds the table of attacks on the built programs: what an
// attacker changes in a trust directory, the command that a person runs then,
// and what it must answer. It has tests only; a row is a name, a change, a
// command line, an exit code and words.
package attacks

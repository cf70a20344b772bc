// Package pty runs a command at a pseudo-terminal and types what a person would.
package pty

// Answer is the line that a person types after what is shown; ok is false where
// nothing is asked yet.
type Answer func(shown string) (line string, ok bool, err error)

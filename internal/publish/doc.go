// Package publish makes what verifiers fetch from a trust directory, has it
// staged, and publishes what its holders signed.
package publish

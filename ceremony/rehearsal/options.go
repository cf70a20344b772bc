package rehearsal

import (
	"context"
	"io"
	"time"
)

// The rehearsal's people and secrets. They guard nothing: the token is a
// program on this machine, and its keys are in a file of the rehearsal.
const (
	Organization = "example.com REHEARSAL"
	domain       = "example.com"
	Serial       = 32000001 // of the virtual root token
	holder       = "first"
	app          = "deploy"
	PIN          = "315926"
	PUK          = "27182845"
	ceremony     = "founding"
)

// Options are what a rehearsal runs with.
type Options struct {
	Out      string // becomes a trust directory; must not exist
	KMS      string // URL of a KMS to use; empty starts the stand-in
	Now      time.Time
	Progress io.Writer
	// Command runs one command line of trustroot in this process, answered by
	// the rehearsal's operator, and returns what it wrote to standard output.
	Command func(ctx context.Context, args ...string) ([]byte, error)
}

// Step is one stretch of the way.
type step struct {
	title string
	run   func(ctx context.Context) error
}

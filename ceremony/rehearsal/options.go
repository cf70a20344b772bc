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
	founding     = "founding"
	renewing     = "renewal" // and renewal-2, renewal-3
)

// Files of a trust directory.
const (
	planFile    = "pki.yaml"
	ledgerFile  = "ledger.jsonl"
	trustedRoot = "trust/.well-known/trusted_root.json"
)

// Where a rehearsal keeps what a real trust directory never holds.
const (
	tokenState = "rehearsal/token.json"
	kmsState   = "rehearsal/kms.json"
	stick      = "rehearsal/usb"
)

// Options are what a rehearsal runs with.
type Options struct {
	Out      string // the trust directory
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

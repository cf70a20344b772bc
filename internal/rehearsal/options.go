package rehearsal

import (
	"context"
	"io"
	"time"
)

// The rehearsal's people and secrets. They guard nothing: the tokens are
// programs on this machine, and their keys are in files of the rehearsal.
const (
	Organization = "example.com REHEARSAL"
	domain       = "example.com"
	Serial       = 32000001 // of the virtual token with the root's key
	HolderSerial = 32000002 // of that with the TUF holder's
	// StandbySerial is of a third token, for another root.
	StandbySerial = 32000003
	holder        = "first"
	app           = "deploy"
	PIN           = "315926"
	PUK           = "27182845"
	founding      = "founding"
	renewing      = "renewal" // and renewal-2, renewal-3
	standing      = "standby"
	crlURL        = "http://trust." + domain + "/crls/root.crl"
)

// Where a rehearsal keeps what a real trust directory never holds.
const (
	tokenState   = "rehearsal/token.json"
	otherState   = "rehearsal/holder.json"
	standbyState = "rehearsal/standby.json"
	kmsState     = "rehearsal/kms.json"
	stick        = "rehearsal/usb"
)

// Options are what a rehearsal runs with.
type Options struct {
	Out      string // the trust directory
	KMS      string // URL of a KMS to use; empty starts the stand-in
	Now      time.Time
	Progress io.Writer
	Standby  bool     // found a second root too, which stands by
	Spares   []uint32 // more tokens that are plugged in, new
	// ImageSHA256 is pinned in the founding plan, in hex; empty pins none.
	ImageSHA256 string
	// Offline plays every step at a token; nil leaves them to Command.
	Offline *Offline
	// Hold holds a ceremony in another machine in place of this one; nil holds
	// it here.
	Hold func(context.Context, Room) error
	// Waits says which commands the trust directory waits for; nil lets every
	// command run.
	Waits func(ctx context.Context, dir string) ([]string, error)
	// Command runs one command line of trustroot in this process, answered by
	// the rehearsal's operator, and returns what it wrote to standard output.
	Command func(ctx context.Context, args ...string) ([]byte, error)
}

// The days of a rehearsal. Between two the tokens are in their envelopes.
const (
	ceremonyDay    = "the day of the ceremony"
	publicationDay = "the day of the publication"
)

// Step is one stretch of the way.
type step struct {
	title string
	day   string // that begins with it; empty in the middle of one
	run   func(ctx context.Context) error
}

package ceremony

import (
	"context"
	"time"

	"github.com/linnemanlabs/trustroot/ceremony/journal"
	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

// Options are what a ceremony runs with.
type Options struct {
	Request  *request.Request
	Serial   uint32 // of the token that the operator named
	Out      string // the folder that the record is written to
	Operator Operator
	Linter   Linter
	// Open opens the token with this serial number and no other.
	Open func(ctx context.Context, serial uint32) (Device, error)
	// Ready makes a new token ready before the first question; nil leaves it.
	Ready func(context.Context) error
	// Roots are the attestation roots that the token must chain to.
	Roots attestation.Roots
	// Now is read once; validity comes from the plan, not from here.
	Now time.Time
	// Host is what was found on this machine.
	Host Host
	// AllowNetwork sets aside that the host has a network; it is journaled.
	AllowNetwork bool

	hook journal.Hook // tests cut the power there
}

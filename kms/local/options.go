package local

import (
	"fmt"
	"io"
	"net"
	"time"
)

// Credentials of the default principal. They are fake: the stand-in names its
// callers by access key ID and checks no signature.
const (
	AccessKeyID     = "TRUSTROOTREHEARSAL"
	SecretAccessKey = "not-a-secret-for-rehearsals-only"
)

// Where the keys are: 12 digits, and a region.
const (
	DefaultAccount = "111122223333"
	DefaultRegion  = "eu-west-1"
)

// Options say where and how the stand-in runs. The zero value listens on a
// free port of 127.0.0.1, keeps everything in memory and knows one principal,
// who may do everything in its account.
type Options struct {
	Addr      string    // "127.0.0.1:0"; anything but a loopback address is refused
	StateFile string    // keys outlive the process here, mode 0600; empty: in memory only
	Log       io.Writer // one line a call: action, key, status; nil: none
	// Principals maps access key IDs to callers. AccessKeyID is always known,
	// as user/rehearsal of Account, unless the map says otherwise.
	Principals map[string]Principal
	Roles      []Role // roles that AssumeRole hands out
	Rules      Rules
	Now        func() time.Time // nil: time.Now
}

// Principal is a caller.
type Principal struct {
	ARN string // "arn:aws:iam::111122223333:user/rehearsal"
	// Policy is the caller's IAM policy document. Empty allows kms:* and
	// sts:* on everything, as for an administrator; it still needs the key
	// policy's word.
	Policy  string
	Expired bool // answers ExpiredTokenException to every call
}

// Role can be assumed by the principals in Trust.
type Role struct {
	ARN    string   // "arn:aws:iam::111122223333:role/key-admin"
	Trust  []string // principal ARNs
	Policy string   // IAM policy document; empty allows everything
}

// Rules inject faults. The zero value injects none.
type Rules struct {
	ThrottleEvery int           // every nth call answers ThrottlingException, and does nothing
	CutEvery      int           // every nth call's connection is torn after the work, before the answer
	Latency       time.Duration // before every answer
	Deny          []Deny
}

// Deny answers AccessDeniedException. An empty field matches everything.
type Deny struct {
	Principal string // ARN
	Action    string // "Sign"
	Key       string // key ARN
}

func (o Options) withDefaults() (Options, error) {
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	host, _, err := net.SplitHostPort(o.Addr)
	if err != nil {
		return o, fmt.Errorf("address of the KMS stand-in: %w", err)
	}
	// names are refused too: what localhost resolves to is not ours to know.
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return o, fmt.Errorf("address of the KMS stand-in: %s is not a loopback address like 127.0.0.1:0", o.Addr)
	}
	return o, nil
}

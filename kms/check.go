package kms

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// Role is what a key is for, which decides the algorithms that it may have.
type Role string

// Roles of KMS keys.
const (
	RoleAuthority Role = "authority"  // Fulcio's CA, a TSA
	RoleRekor     Role = "rekor-v2"   // checkpoint key of Rekor v2
	RoleStaticCT  Role = "static-ct"  // checkpoint key of TesseraCT
	RoleOnline    Role = "tuf-online" // snapshot and timestamp of a TUF repository
	RoleApp       Role = "app"        // signing key of an application
)

// roleAlgorithms are the algorithms that work for each role.
var roleAlgorithms = map[Role][]string{
	RoleAuthority: {"P-256", "P-384"},
	RoleRekor:     {"P-256"},
	RoleStaticCT:  {"P-256"},
	RoleOnline:    {"P-256"},
	RoleApp:       {"P-256", "P-384"},
}

// CheckKey refuses a key that cannot serve and names every reason: another
// algorithm than the plan's (empty: none is asked for) or than the role
// allows, with the client that would fail; material from outside, a
// multi-region key, a state other than Enabled, a pending deletion, another
// usage than signing, a key that AWS manages. An empty role allows every
// algorithm.
func CheckKey(k *Key, algorithm string, role Role) error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	got := k.Algorithm()
	if algorithm != "" && got != algorithm {
		add("the key is %s, the plan says %s", got, algorithm)
	}
	if reason := unfit(got, role); reason != "" {
		add("a %s key cannot be %s: %s", got, role.words(), reason)
	}
	if k.Usage != "SIGN_VERIFY" {
		add("usage is %s, not SIGN_VERIFY", k.Usage)
	}
	if k.Origin != "AWS_KMS" {
		add("origin is %s, not AWS_KMS: the key was made outside KMS, where copies of it may remain", k.Origin)
	}
	if k.MultiRegion {
		add("the key is multi-region: the same private key can be copied to other regions under policies of their own")
	}
	if k.Manager == "AWS" {
		add("the key is managed by AWS: its policy cannot be set")
	}
	switch {
	case k.DeletionDate != nil:
		add("the key is %s, to be deleted on %s", k.State, k.DeletionDate.UTC().Format(time.DateOnly))
	case k.State != "Enabled":
		add("the key is %s, not Enabled", k.State)
	}
	if len(errs) == 0 {
		return nil
	}
	return fault.New(fault.Verification, "make another key with `trustroot kms create`, or put this one right in KMS",
		fmt.Errorf("key %s: %w", k.ARN, errors.Join(errs...)))
}

func (r Role) words() string {
	switch r {
	case RoleRekor, RoleStaticCT:
		return "a checkpoint key (" + string(r) + ")"
	case RoleOnline:
		return "a TUF key"
	case RoleApp:
		return "an application's signing key"
	}
	return "an authority's key"
}

// unfit says why an algorithm does not work for a role, by what was tried with
// each client; empty where it works.
func unfit(algorithm string, role Role) string {
	if role == "" || slices.Contains(roleAlgorithms[role], algorithm) {
		return ""
	}
	switch {
	case role == RoleOnline:
		return "TUF clients agree on P-256 only: go-tuf mislabels other curves, the Java client ignores them, tuf-js hashes them wrongly, tough cannot parse them"
	case role == RoleStaticCT && algorithm == "P-384":
		return "KMS signs with SHA-384 under it while SCTs are hashed with SHA-256, Fulcio refuses a CT key other than P-256 at start, and sigstore-js rejects its checkpoints"
	case role == RoleStaticCT:
		return "Fulcio refuses a CT key other than P-256 at start" + edwards(algorithm)
	case role == RoleRekor && algorithm == "P-384":
		return "KMS signs with SHA-384 under it while checkpoints are hashed with SHA-256 and the note format has no type for it: cosign accepts such a checkpoint, sigstore-js rejects it"
	case role == RoleRekor && algorithm == "Ed25519":
		return "Sigstore's AWS provider loads the public key, and the first checkpoint fails with \"unsupported hash algorithm\""
	case role == RoleRekor:
		return "checkpoint verifiers hash with SHA-256 and expect P-256"
	}
	return "certificates and their verifiers use P-256 or P-384"
}

func edwards(algorithm string) string {
	if algorithm != "Ed25519" {
		return ""
	}
	return ", and Sigstore's AWS provider cannot sign with Ed25519 (\"unsupported hash algorithm\")"
}

func derOf(public any) ([]byte, error) { return x509.MarshalPKIXPublicKey(public) }

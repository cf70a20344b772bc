package kms

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/checkpoint"
)

// Role is what a key is for, which decides the algorithms that it may have.
type Role string

// Roles of KMS keys.
const (
	RoleAuthority Role = "authority"         // Fulcio's CA, a TSA
	RoleRekor     Role = checkpoint.RekorV2  // checkpoint key of Rekor v2
	RoleStaticCT  Role = checkpoint.StaticCT // checkpoint key of TesseraCT
	RoleOnline    Role = "tuf-online"        // snapshot and timestamp of a TUF repository
	RoleApp       Role = "app"               // signing key of an application
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
	errs := deviations(k, Planned{Algorithm: algorithm, Role: role})
	if len(errs) == 0 {
		return nil
	}
	return fault.New(fault.Verification, "make another key with `trustroot kms create`, or put this one right in KMS",
		fmt.Errorf("key %s: %s", k.ARN, strings.ReplaceAll(errors.Join(errs...).Error(), "\n", "; ")))
}

// deviations are the reasons of CheckKey, one each.
func deviations(k *Key, p Planned) []error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if got := k.Algorithm(); p.Algorithm != "" && got != p.Algorithm {
		add("the key is %s, the plan says %s", got, p.Algorithm)
	}
	if err := p.Role.fits(k); err != nil {
		errs = append(errs, err)
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
	return errs
}

// fits refuses a key that some consumer of its role cannot use, and says which.
func (r Role) fits(k *Key) error {
	switch {
	case r == "" || slices.Contains(roleAlgorithms[r], k.Algorithm()):
		return nil
	case r == RoleOnline:
		return fmt.Errorf("a %s key cannot sign TUF metadata: go-tuf mislabels curves other than P-256, "+
			"the Java client ignores them, tuf-js hashes them wrongly and tough cannot parse them: use P-256", k.Algorithm())
	case k.PublicKey == nil:
		return fmt.Errorf("a %s key is not accepted for %s: use %s", k.Algorithm(), r, strings.Join(roleAlgorithms[r], " or "))
	case r == RoleRekor || r == RoleStaticCT:
		return checkpoint.Check(string(r), k.PublicKey)
	}
	_, err := pki.CheckKey(k.PublicKey)
	return err
}

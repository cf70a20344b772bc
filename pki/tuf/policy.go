package tuf

import (
	"crypto"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/linnemanlabs/trustroot/pki/plan"
)

// Holder is a person with a key that signs root or targets.
type Holder struct {
	Name      string
	PublicKey *ecdsa.PublicKey // P-256
}

// RolePolicy is a role that people sign.
type RolePolicy struct {
	Holders   []Holder
	Threshold int
	Expiry    plan.Days // from signing to expiry
	Resign    plan.Days // sign again when fewer days are left
}

// OnlineRole is a role that the online key signs.
type OnlineRole struct {
	Expiry plan.Days
	Resign plan.Days
}

// Delegation hands the targets whose names match one of Paths to a role of its
// own. A path is a pattern for whole names in which * stands for anything but a
// slash.
type Delegation struct {
	Name  string // lower-case; also the name of its metadata file
	Paths []string
	RolePolicy
}

// Policy is who signs what, and for how long.
type Policy struct {
	Root, Targets       RolePolicy
	Snapshot, Timestamp OnlineRole
	Online              crypto.PublicKey // P-256, signs snapshot and timestamp
	NextOnline          *ecdsa.PublicKey // named beside it by the next root, and signs nothing yet; or nil
	DropOnline          bool             // the next root names no former online key, though clients are turned away meanwhile
	Delegations         []Delegation
	// Former are holders that were replaced. They sign a rotation by the old
	// threshold; the policy needs only their names.
	Former []Holder
	// AllowSingleHolder admits a threshold of one for people's roles.
	AllowSingleHolder bool
}

const (
	maxHolders     = 100
	maxDelegations = 16
)

var (
	holderName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$`)
	roleName   = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)
)

// Validate reports everything in the policy that some client would refuse or
// that would leave the repository to one person.
func (p Policy) Validate() error {
	var errs []error
	keys := map[string]string{} // key ID → holder, so that a name means one key everywhere
	errs = append(errs, p.Root.validate(metadata.ROOT, p.AllowSingleHolder, keys)...)
	errs = append(errs, p.Targets.validate(metadata.TARGETS, p.AllowSingleHolder, keys)...)
	names := make([]string, 0, len(p.Delegations))
	if len(p.Delegations) > maxDelegations {
		errs = append(errs, fmt.Errorf("%d delegations: at most %d", len(p.Delegations), maxDelegations))
	}
	for _, d := range p.Delegations {
		errs = append(errs, checkRoleName(d.Name))
		if slices.Contains(names, d.Name) {
			errs = append(errs, fmt.Errorf("two delegations %s", d.Name))
		}
		if len(d.Paths) == 0 || slices.ContainsFunc(d.Paths, func(path string) bool { return !pathForm.MatchString(path) }) {
			errs = append(errs, fmt.Errorf("delegation %s: paths %q: give patterns of target names", d.Name, d.Paths))
		}
		names = append(names, d.Name)
		errs = append(errs, d.validate(d.Name, p.AllowSingleHolder, keys)...)
	}
	for _, h := range p.Former {
		if _, err := KeyID(h.PublicKey); err != nil || !holderName.MatchString(h.Name) {
			errs = append(errs, fmt.Errorf("former holder %q: a name and a P-256 key are needed", h.Name))
		}
	}
	errs = append(errs, p.Snapshot.validate(metadata.SNAPSHOT), p.Timestamp.validate(metadata.TIMESTAMP))
	id, err := KeyID(p.Online)
	if err != nil {
		errs = append(errs, fmt.Errorf("online key: %w", err))
	} else if name, taken := keys[id]; taken {
		errs = append(errs, fmt.Errorf("online key: it is %s's key; an online key signs snapshot and timestamp only", name))
	}
	return errors.Join(errs...)
}

func (r RolePolicy) validate(role string, single bool, keys map[string]string) (errs []error) {
	complain := func(format string, a ...any) {
		errs = append(errs, fmt.Errorf(role+": "+format, a...))
	}
	switch {
	case len(r.Holders) == 0:
		complain("no holders")
	case len(r.Holders) > maxHolders:
		complain("%d holders: at most %d", len(r.Holders), maxHolders)
	case r.Threshold < 1 || r.Threshold > len(r.Holders):
		complain("threshold %d of %d holders cannot be met", r.Threshold, len(r.Holders))
	case r.Threshold == 1 && !single:
		complain("a threshold of one lets a single stolen token sign; name the exception %s to accept that", plan.ExceptionSingleHolder)
	}
	seen := map[string]bool{}
	for _, h := range r.Holders {
		if !holderName.MatchString(h.Name) {
			complain("holder %q: use letters, digits and ._@+- in a name", h.Name)
		}
		if seen[h.Name] {
			complain("holder %s stands here twice", h.Name)
		}
		seen[h.Name] = true
		id, err := KeyID(h.PublicKey)
		if err != nil {
			complain("holder %s: %w", h.Name, err)
			continue
		}
		if other, taken := keys[id]; taken && other != h.Name {
			complain("holders %s and %s have the same key", other, h.Name)
		}
		keys[id] = h.Name
	}
	if err := (OnlineRole{r.Expiry, r.Resign}).validate(role); err != nil {
		errs = append(errs, err)
	}
	return errs
}

func (r OnlineRole) validate(role string) error {
	if r.Expiry < 1 || r.Resign < 1 || r.Resign >= r.Expiry {
		return fmt.Errorf("%s: expiry %d days, re-sign %d days before: both at least 1, and re-signing begins before expiry ends", role, r.Expiry, r.Resign)
	}
	return nil
}

// names maps key IDs to holders. It expects a valid policy.
func (p Policy) names() map[string]string {
	out := map[string]string{}
	roles := []RolePolicy{{Holders: p.Former}, p.Root, p.Targets}
	for _, d := range p.Delegations {
		roles = append(roles, d.RolePolicy)
	}
	for _, r := range roles {
		for _, h := range r.Holders {
			if id, err := KeyID(h.PublicKey); err == nil {
				out[id] = h.Name
			}
		}
	}
	return out
}

// AppsRole is the role of per-application keys. Its targets are named
// apps/NAME/FILE or apps/FILE.
const AppsRole = "apps"

// FromPlan joins the tuf block of a plan with the keys that the plan names.
// keys holds every holder's public key by name. A plan with applications gets
// the delegation AppsRole, signed by the holders of targets. The online key is
// for the caller to add: such a policy stages nothing.
func FromPlan(p *plan.Plan, keys map[string]*ecdsa.PublicKey) (Policy, error) {
	if p.TUF == nil {
		return Policy{}, errors.New("the plan has no tuf block")
	}
	t := p.TUF
	out := Policy{
		Snapshot:          OnlineRole(t.Snapshot),
		Timestamp:         OnlineRole(t.Timestamp),
		AllowSingleHolder: p.Allows(plan.ExceptionSingleHolder),
	}
	var errs []error
	role := func(r plan.Role) RolePolicy {
		policy := RolePolicy{Threshold: r.Threshold, Expiry: r.Expiry, Resign: r.Resign}
		for _, name := range r.Holders {
			if keys[name] == nil {
				errs = append(errs, fmt.Errorf("holder %s has no public key yet", name))
				continue
			}
			policy.Holders = append(policy.Holders, Holder{Name: name, PublicKey: keys[name]})
		}
		return policy
	}
	out.Root, out.Targets = role(t.Root), role(t.Targets)
	if len(p.Apps) > 0 {
		out.Delegations = []Delegation{{
			Name:       AppsRole,
			Paths:      []string{"apps/*", "apps/*/*"},
			RolePolicy: out.Targets,
		}}
	}
	return out, errors.Join(errs...)
}

package tuf

import (
	"crypto/ecdsa"
	"errors"
	"fmt"

	"github.com/linnemanlabs/trustroot/pki/plan"
)

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

package tuf

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
)

// Signed fields in which a role keeps its windows, in days, as the public-good
// repository does: root and targets at their top, snapshot and timestamp in
// root's role.
const (
	expiryField = "x-tuf-on-ci-expiry-period"
	resignField = "x-tuf-on-ci-signing-period"
)

// Names of targets that clients ask for.
const (
	TrustedRootName   = "trusted_root.json"
	SigningConfigName = "signing_config.v0.2.json"
)

const (
	maxTargetFile  = 16 << 20
	maxTargetFiles = 20_000
)

// Usage is the custom metadata by which older clients find a target.
type Usage struct {
	Status string `json:"status"` // Active or Expired
	URI    string `json:"uri,omitempty"`
	Usage  string `json:"usage"` // Fulcio, Rekor, CTFE, TSA or Unknown
}

func windowFields(w OnlineRole) map[string]any {
	return map[string]any{expiryField: int(w.Expiry), resignField: int(w.Resign)}
}

// windowsOf reads the windows that a root version signs for snapshot or
// timestamp, or returns fallback where it has none.
func windowsOf(root *document, role string, fallback OnlineRole) OnlineRole {
	r := root.root.Signed.Roles[role]
	if r == nil {
		return fallback
	}
	return readWindows(r.UnrecognizedFields, fallback)
}

func readWindows(fields map[string]any, fallback OnlineRole) OnlineRole {
	expiry, resign := wholeDays(fields[expiryField]), wholeDays(fields[resignField])
	w := OnlineRole{Expiry: expiry, Resign: resign}
	if w.validate("") != nil {
		return fallback
	}
	return w
}

// wholeDays reads a number that JSON made a float64.
func wholeDays(v any) plan.Days {
	switch n := v.(type) {
	case float64:
		return plan.Days(n)
	case int:
		return plan.Days(n)
	}
	return 0
}

// days are 24 hours each.
func days(d plan.Days) time.Duration { return time.Duration(d) * 24 * time.Hour }

// expiry is in whole seconds, as the specification writes dates.
func expiry(now time.Time, d plan.Days) time.Time {
	return now.UTC().Truncate(time.Second).Add(days(d))
}

// buildRoot makes a root version. online are the keys of snapshot and
// timestamp.
func buildRoot(pol Policy, version int64, online keyRing, now time.Time) (*document, error) {
	m := &model{
		role: metadata.ROOT, version: version, expires: expiry(now, pol.Root.Expiry),
		periods: OnlineRole{pol.Root.Expiry, pol.Root.Resign}, roles: map[string]roleModel{},
	}
	for role, policy := range map[string]RolePolicy{metadata.ROOT: pol.Root, metadata.TARGETS: pol.Targets} {
		keys, err := ringOf(policy.Holders)
		if err != nil {
			return nil, err
		}
		m.roles[role] = roleModel{threshold: policy.Threshold, keys: keys}
	}
	for role, w := range map[string]OnlineRole{metadata.SNAPSHOT: pol.Snapshot, metadata.TIMESTAMP: pol.Timestamp} {
		m.roles[role] = roleModel{threshold: 1, keys: online, periods: w}
	}
	return m.document()
}

// people returns the policy of targets or of a delegated role.
func (p Policy) people(role string) RolePolicy {
	for _, d := range p.Delegations {
		if d.Name == role {
			return d.RolePolicy
		}
	}
	return p.Targets
}

// buildTargets makes a version of targets (role "targets") or of a delegated
// role. names are the role's share of the targets.
func buildTargets(pol Policy, role string, version int64, names []string, t Targets, now time.Time) (*document, error) {
	policy := pol.people(role)
	m := &model{
		role: role, version: version, expires: expiry(now, policy.Expiry),
		periods: OnlineRole{policy.Expiry, policy.Resign}, roles: map[string]roleModel{}, targets: map[string]targetModel{},
	}
	for _, name := range names {
		m.targets[name] = targetModel{length: int64(len(t.Files[name])), sha256: digest.Hex(t.Files[name]), usage: t.Usage[name]}
	}
	if role == metadata.TARGETS {
		for _, d := range pol.Delegations {
			keys, err := ringOf(d.Holders)
			if err != nil {
				return nil, err
			}
			m.roles[d.Name] = roleModel{threshold: d.Threshold, keys: keys, paths: strings.Join(d.Paths, " "), terminating: true}
			m.order = append(m.order, d.Name)
		}
	}
	return m.document()
}

// Targets are the files to distribute, by name, and what older clients are told
// about some of them.
type Targets struct {
	Files map[string][]byte
	Usage map[string]Usage
	// Withdraw is why a change takes back what was published; empty where it
	// takes nothing back. Holders are shown it.
	Withdraw string
}

// check reports every name and size that a store or a client would refuse.
func (t Targets) check() error {
	var errs []error
	if len(t.Files) > maxTargetFiles {
		errs = append(errs, fmt.Errorf("%d targets: at most %d", len(t.Files), maxTargetFiles))
	}
	if t.Files[TrustedRootName] == nil {
		errs = append(errs, fmt.Errorf("no target %s: clients would start and then verify nothing", TrustedRootName))
	}
	for _, name := range slices.Sorted(maps.Keys(t.Files)) {
		if err := checkTargetName(name); err != nil {
			errs = append(errs, err)
		}
		if n := len(t.Files[name]); n > maxTargetFile {
			errs = append(errs, fmt.Errorf("target %s: %d bytes, at most %d", name, n, maxTargetFile))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.Usage)) {
		if t.Files[name] == nil {
			errs = append(errs, fmt.Errorf("usage of %s: no such target", name))
		}
		if err := t.Usage[name].check(); err != nil {
			errs = append(errs, fmt.Errorf("usage of %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// checkTargetName refuses names that a store would not keep as they are.
func checkTargetName(name string) error {
	if err := objects.CheckName(objectName(name, strings.Repeat("0", 2*sha256.Size))); err != nil {
		return fmt.Errorf("target %q: %w", name, err)
	}
	return objects.CheckName(name)
}

// objectName is where a target is kept with consistent snapshots:
// targets/DIR/SHA256.NAME.
func objectName(name, hash string) string {
	dir, base := path.Split(name)
	return "targets/" + dir + hash + "." + base
}

// share sorts target names by the role that signs them.
func (p Policy) share(names []string) (map[string][]string, error) {
	out := map[string][]string{metadata.TARGETS: nil}
	for _, d := range p.Delegations {
		out[d.Name] = nil
	}
	for _, name := range names {
		role := metadata.TARGETS
		for _, d := range p.Delegations {
			yes, err := (&metadata.DelegatedRole{Paths: d.Paths}).IsDelegatedPath(name)
			if err != nil {
				return nil, fmt.Errorf("delegation %s: %w", d.Name, err)
			}
			if yes {
				role = d.Name
				break
			}
		}
		out[role] = append(out[role], name)
	}
	return out, nil
}

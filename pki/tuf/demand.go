package tuf

import (
	"fmt"
	"slices"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/linnemanlabs/trustroot/pki/plan"
)

// demands returns the thresholds that a version must meet: a root those of the
// root before and its own; targets that of the new root, and that of the root
// before when the published targets do not count under the new one (clients
// then see them before they see the root); a delegated role that of the targets
// in force.
func demands(s *Staged, d *document) ([]keySet, error) {
	if d.role != metadata.ROOT && d.role != metadata.TARGETS {
		set, err := delegatedSet(s.wanted()[metadata.TARGETS], d.role)
		return []keySet{set}, err
	}
	now, err := rootSet(s.root(), d.role)
	if err != nil {
		return nil, err
	}
	both := len(s.roots) > 0 && s.find(metadata.ROOT) != nil
	if d.role == metadata.TARGETS && both {
		both = now.check(s.trusted[metadata.TARGETS]) != nil
	}
	if !both {
		return []keySet{now}, nil
	}
	before, err := rootSet(s.roots[len(s.roots)-1], d.role)
	return []keySet{before, now}, err
}

// checkRootRoles checks that a root names keys for every top-level role.
func checkRootRoles(root *document) error {
	if !root.root.Signed.ConsistentSnapshot {
		return fmt.Errorf("%s: consistent snapshots are off", root.fileName())
	}
	for _, role := range metadata.TOP_LEVEL_ROLE_NAMES {
		if _, err := rootSet(root, role); err != nil {
			return err
		}
	}
	return nil
}

// Demand is one threshold and who has met it so far.
type Demand struct {
	By        string   `json:"by"` // who asks: "root 2, role targets"
	Threshold int      `json:"threshold"`
	Signed    []string `json:"signed"`  // holders, sorted
	Waiting   []string `json:"waiting"` // holders that have not signed, sorted
}

// Open returns how many signatures are still missing.
func (d Demand) Open() int { return max(0, d.Threshold-len(d.Signed)) }

// RoleStatus is how far the signing of one version is.
type RoleStatus struct {
	Version
	Demands []Demand `json:"demands"`
}

// Status returns who has signed and who has not, for every version to sign.
func (s *Staged) Status() ([]RoleStatus, error) {
	var out []RoleStatus
	for _, d := range s.sign {
		sets, err := demands(s, d)
		if err != nil {
			return nil, err
		}
		status := RoleStatus{Version: d.versioned()}
		for _, set := range sets {
			demand := Demand{By: set.label, Threshold: set.threshold}
			for _, id := range set.keys.ids() {
				if _, signed := s.signatures[d.role][id]; signed {
					demand.Signed = append(demand.Signed, holder(s, id))
				} else {
					demand.Waiting = append(demand.Waiting, holder(s, id))
				}
			}
			slices.Sort(demand.Signed)
			slices.Sort(demand.Waiting)
			status.Demands = append(status.Demands, demand)
		}
		out = append(out, status)
	}
	return out, nil
}

// Missing returns the demands that are not met yet, as sentences; none when the
// change can be merged.
func (s *Staged) Missing() ([]string, error) {
	status, err := s.Status()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, role := range status {
		for _, d := range role.Demands {
			if d.Open() > 0 {
				out = append(out, fmt.Sprintf("%s %d: %d of %d signed for %s; %d more of %s",
					role.Role, role.Version.Version, len(d.Signed), d.Threshold, d.By, d.Open(), plan.List(d.Waiting)))
			}
		}
	}
	return out, nil
}

// holder names a key: the holder, or the beginning of its ID.
func holder(s *Staged, id string) string { return nameOf(s.Holders, id) }

func nameOf(names map[string]string, id string) string {
	if name, ok := names[id]; ok {
		return name
	}
	return fmt.Sprintf("key %.12s", id)
}

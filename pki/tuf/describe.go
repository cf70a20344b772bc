package tuf

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// Describe says in lines of text what signing the change would do. It reads
// only the metadata: what the folder says about itself does not count, but for
// the names of holders, which stand beside their keys.
func (s *Staged) Describe() string {
	lines := describe(s.roots, s.trusted, s.sign, s.change.Holders)
	return strings.Join(lines, "\n") + "\n"
}

func (d *draft) words() []string {
	var roots []*document
	var trusted map[string]*document
	if d.base != nil {
		roots, trusted = d.base.roots, d.base.targets
	}
	return describe(roots, trusted, d.sign, d.holders)
}

func describe(roots []*document, trusted map[string]*document, sign []*document, names map[string]string) []string {
	var out []string
	for _, d := range sign {
		var before *document
		if d.root != nil && len(roots) > 0 {
			before = roots[len(roots)-1]
		} else if d.root == nil {
			before = trusted[d.role]
		}
		out = append(out, headline(before, d))
		if d.root != nil {
			for _, role := range metadata.TOP_LEVEL_ROLE_NAMES {
				out = append(out, describeRole(role, roleOf(before, role), roleOf(d, role), names)...)
			}
			continue
		}
		out = append(out, describeTargets(before, d)...)
		out = append(out, describeDelegations(before, d, names)...)
	}
	return out
}

func headline(before, d *document) string {
	until := d.expires().Format("2006-01-02")
	if before == nil {
		return fmt.Sprintf("%s: first version, expires %s", d.role, until)
	}
	return fmt.Sprintf("%s: version %d after %d, expires %s instead of %s", d.role, d.version(), before.version(), until, before.expires().Format("2006-01-02"))
}

func roleOf(d *document, role string) *metadata.Role {
	if d == nil {
		return nil
	}
	return d.root.Signed.Roles[role]
}

// describeRole says which keys come, go and stay in a role.
func describeRole(role string, before, now *metadata.Role, names map[string]string) []string {
	if now == nil {
		return []string{fmt.Sprintf("  %s: REMOVED", role)}
	}
	if before == nil {
		before = &metadata.Role{}
	}
	var out []string
	if before.Threshold != now.Threshold || len(before.KeyIDs) != len(now.KeyIDs) {
		was := ""
		if before.Threshold > 0 {
			was = fmt.Sprintf(" instead of %d of %d", before.Threshold, len(before.KeyIDs))
		}
		out = append(out, fmt.Sprintf("  %s: %d of %d%s", role, now.Threshold, len(now.KeyIDs), was))
	}
	for _, id := range now.KeyIDs {
		if !slices.Contains(before.KeyIDs, id) {
			out = append(out, fmt.Sprintf("  %s: key added: %s", role, keyName(names, id)))
		}
	}
	for _, id := range before.KeyIDs {
		if !slices.Contains(now.KeyIDs, id) {
			out = append(out, fmt.Sprintf("  %s: key removed: %s", role, keyName(names, id)))
		}
	}
	return out
}

func keyName(names map[string]string, id string) string {
	if name, ok := names[id]; ok {
		return fmt.Sprintf("%s (%.12s)", name, id)
	}
	return id
}

func describeTargets(before, d *document) []string {
	old := map[string]*metadata.TargetFiles{}
	if before != nil {
		old = before.targets.Signed.Targets
	}
	now := d.targets.Signed.Targets
	var out []string
	for _, name := range slices.Sorted(maps.Keys(now)) {
		file, was := now[name], old[name]
		switch {
		case was == nil:
			out = append(out, fmt.Sprintf("  added: %s, %d bytes, sha256 %.16s", name, file.Length, file.Hashes["sha256"].String()))
		case !bytes.Equal(was.Hashes["sha256"], file.Hashes["sha256"]):
			out = append(out, fmt.Sprintf("  changed: %s, %d bytes, sha256 %.16s instead of %.16s", name, file.Length, file.Hashes["sha256"].String(), was.Hashes["sha256"].String()))
		case custom(was) != custom(file):
			out = append(out, fmt.Sprintf("  changed: %s, custom metadata %s instead of %s", name, custom(file), custom(was)))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		if now[name] == nil {
			out = append(out, "  removed: "+name)
		}
	}
	if len(out) == 0 {
		out = append(out, fmt.Sprintf("  the same %d targets", len(now)))
	}
	return out
}

func custom(f *metadata.TargetFiles) string {
	if f.Custom == nil {
		return "none"
	}
	var compact bytes.Buffer
	if err := compactJSON(&compact, *f.Custom); err != nil {
		return string(*f.Custom)
	}
	return compact.String()
}

func describeDelegations(before, d *document, names map[string]string) []string {
	old, now := delegatedRoles(before), delegatedRoles(d)
	var out []string
	for _, role := range slices.Sorted(maps.Keys(now)) {
		r := now[role]
		if was, there := old[role]; !there || !slices.Equal(was.Paths, r.Paths) {
			out = append(out, fmt.Sprintf("  delegation %s signs %s", role, strings.Join(r.Paths, ", ")))
		}
		was := metadata.Role{KeyIDs: old[role].KeyIDs, Threshold: old[role].Threshold}
		out = append(out, describeRole(role, &was, &metadata.Role{KeyIDs: r.KeyIDs, Threshold: r.Threshold}, names)...)
	}
	for _, role := range slices.Sorted(maps.Keys(old)) {
		if _, there := now[role]; !there {
			out = append(out, "  delegation removed: "+role)
		}
	}
	return out
}

func delegatedRoles(d *document) map[string]metadata.DelegatedRole {
	out := map[string]metadata.DelegatedRole{}
	if d != nil && d.targets != nil && d.targets.Signed.Delegations != nil {
		for _, r := range d.targets.Signed.Delegations.Roles {
			out[r.Name] = r
		}
	}
	return out
}

// TargetChange is a target that comes, goes or changes. Old or New is nil
// accordingly.
type TargetChange struct {
	Name     string
	Old, New []byte
}

// TargetChanges returns the content of every target that changes, for those
// who can show the difference, sorted by name.
func (s *Staged) TargetChanges() ([]TargetChange, error) {
	names := map[string]bool{}
	maps.Copy(names, s.content)
	maps.Copy(names, s.previous)
	var out []TargetChange
	for _, name := range slices.Sorted(maps.Keys(names)) {
		c := TargetChange{Name: name}
		var err error
		if s.previous[name] {
			if c.Old, err = s.read(previousDir+"/"+name, maxTargetFile); err != nil {
				return nil, err
			}
		}
		if s.content[name] {
			if c.New, err = s.read(targetsDir+"/"+name, maxTargetFile); err != nil {
				return nil, err
			}
		}
		out = append(out, c)
	}
	return out, nil
}

package tuf

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// statement is one difference between two versions. Its text is what a person
// reads, and apply makes the same difference with the same fields: metadata is
// built again from statements and compared with what is to be signed.
type statement struct {
	text  string
	apply func(m *model) // nil where nothing differs
}

// differences says all that makes now of before, which is nil for a first
// version. names are those of keys by ID. The headline with version and expiry
// comes first.
func differences(before, now *model, names map[string]string) []statement {
	out := []statement{headline(before, now)}
	if before == nil {
		before = &model{role: now.role, spec: now.spec}
	}
	if spec := now.spec; before.spec != spec {
		out = append(out, statement{fmt.Sprintf("  TUF specification: version %q instead of %q", spec, before.spec), func(m *model) { m.spec = spec }})
	}
	if w := now.periods; before.periods != w {
		out = append(out, statement{"  " + periodsText(before.periods, w), func(m *model) { m.periods = w }})
	}
	for _, name := range now.names() {
		out = append(out, differencesOfRole(name, before.roles[name], now.roles[name], names)...)
	}
	for _, name := range before.names() {
		if _, stays := now.roles[name]; !stays {
			out = append(out, statement{"  delegation removed: " + name, func(m *model) {
				delete(m.roles, name)
				m.order = slices.DeleteFunc(m.order, func(other string) bool { return other == name })
			}})
		}
	}
	if order := now.order; len(order) > 1 && !slices.Equal(before.order, order) {
		out = append(out, statement{"  clients ask the delegations in this order: " + strings.Join(order, ", "), func(m *model) { m.order = slices.Clone(order) }})
	}
	targets := differencesOfTargets(before.targets, now.targets)
	if now.role != metadata.ROOT && len(targets) == 0 {
		targets = []statement{{text: fmt.Sprintf("  the same %d targets", len(now.targets))}}
	}
	return append(out, targets...)
}

// names lists the roles: those of root as usual, delegations in order.
func (m *model) names() []string {
	if m.role == metadata.ROOT && len(m.roles) > 0 {
		return metadata.TOP_LEVEL_ROLE_NAMES[:]
	}
	return m.order
}

func headline(before, now *model) statement {
	version, expires := now.version, now.expires
	text := fmt.Sprintf("%s: version %d, the first; expires %s", now.role, version, expires.Format(time.RFC3339))
	if before != nil {
		text = fmt.Sprintf("%s: version %d after %d, expires %s instead of %s", now.role, version, before.version,
			expires.Format(time.RFC3339), before.expires.Format(time.RFC3339))
	}
	return statement{text, func(m *model) { m.version, m.expires = version, expires }}
}

func periodsText(was, now OnlineRole) string {
	text := fmt.Sprintf("each version expires after %d days and is signed again %d days before", now.Expiry, now.Resign)
	if was != (OnlineRole{}) {
		text += fmt.Sprintf(", instead of %d and %d", was.Expiry, was.Resign)
	}
	return text
}

func differencesOfRole(name string, before, now roleModel, names map[string]string) []statement {
	var out []statement
	add := func(text string, edit func(*roleModel)) {
		out = append(out, statement{text, func(m *model) { m.change(name, edit) }})
	}
	if n := now.threshold; before.threshold != n || len(before.keys) != len(now.keys) {
		text := fmt.Sprintf("  %s: %d of %d keys must sign", name, n, len(now.keys))
		if before.threshold > 0 {
			text += fmt.Sprintf(", instead of %d of %d", before.threshold, len(before.keys))
		}
		add(text, func(r *roleModel) { r.threshold = n })
	}
	for _, id := range now.keys.ids() {
		if key := now.keys[id]; before.keys[id] == nil { // id is its digest
			add(fmt.Sprintf("  %s: key added: %s", name, keyName(names, id)), func(r *roleModel) { r.keys[id] = key })
		}
	}
	for _, id := range before.keys.ids() {
		if now.keys[id] == nil {
			add(fmt.Sprintf("  %s: key removed: %s", name, keyName(names, id)), func(r *roleModel) { delete(r.keys, id) })
		}
	}
	if w := now.periods; before.periods != w {
		add(fmt.Sprintf("  %s: %s", name, periodsText(before.periods, w)), func(r *roleModel) { r.periods = w })
	}
	if paths, terminating := now.paths, now.terminating; before.paths != paths || before.terminating != terminating {
		then := "clients look no further for those"
		if !terminating {
			then = "clients go on looking for those elsewhere"
		}
		add(fmt.Sprintf("  delegation %s signs %s; %s", name, strings.ReplaceAll(paths, " ", ", "), then), func(r *roleModel) {
			r.paths, r.terminating = paths, terminating
		})
	}
	return out
}

func keyName(names map[string]string, id string) string {
	return strings.TrimSpace(names[id] + " " + id)
}

func differencesOfTargets(before, now map[string]targetModel) []statement {
	var out []statement
	for _, name := range slices.Sorted(maps.Keys(now)) {
		t := now[name]
		was, there := before[name]
		if was == t {
			continue
		}
		text := fmt.Sprintf("  added: %s, %d bytes, sha256 %s", name, t.length, t.sha256)
		if there {
			text = fmt.Sprintf("  changed: %s, %d bytes, sha256 %s instead of %d bytes, sha256 %s", name, t.length, t.sha256, was.length, was.sha256)
		}
		if t.usage != was.usage {
			text += fmt.Sprintf("\n    older clients are told: %s", t.usage)
		}
		out = append(out, statement{text, func(m *model) { m.targets[name] = t }})
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, stays := now[name]; !stays {
			out = append(out, statement{"  removed: " + name, func(m *model) { delete(m.targets, name) }})
		}
	}
	return out
}

// change edits one role of a model.
func (m *model) change(name string, edit func(*roleModel)) {
	r, there := m.roles[name]
	if !there {
		r.keys = keyRing{}
		if m.role != metadata.ROOT {
			m.order = append(m.order, name)
		}
	}
	edit(&r)
	m.roles[name] = r
}

// String says what older clients take a target for.
func (u Usage) String() string {
	if u == (Usage{}) {
		return "nothing of it"
	}
	return strings.TrimSpace(fmt.Sprintf("%s, %s %s", u.Usage, u.Status, u.URI))
}

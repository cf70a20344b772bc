package tuf

import (
	"crypto/ecdsa"
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
type statement interface {
	text(names map[string]string) string
	apply(m *model)
}

// differences says all that makes now of before, which is nil for a first
// version. The headline with version and expiry comes first.
func differences(before, now *model) []statement {
	out := []statement{headline{now.role, now.version, now.expires, before}}
	if before == nil {
		before = &model{role: now.role, spec: now.spec}
	}
	if before.spec != now.spec {
		out = append(out, specification{now.spec, before.spec})
	}
	if before.periods != now.periods {
		out = append(out, periods{"", now.periods, before.periods})
	}
	for _, name := range now.names() {
		out = append(out, differencesOfRole(name, before.roles[name], now.roles[name])...)
	}
	for _, name := range before.names() {
		if _, stays := now.roles[name]; !stays {
			out = append(out, roleRemoved{name})
		}
	}
	if len(now.order) > 1 && !slices.Equal(before.order, now.order) {
		out = append(out, order(now.order))
	}
	targets := differencesOfTargets(before.targets, now.targets)
	if now.role != metadata.ROOT && len(targets) == 0 {
		targets = []statement{unchanged(len(now.targets))}
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

func differencesOfRole(name string, before, now roleModel) []statement {
	var out []statement
	if before.threshold != now.threshold || len(before.keys) != len(now.keys) {
		out = append(out, threshold{name, now.threshold, len(now.keys), before.threshold, len(before.keys)})
	}
	for _, id := range now.keys.ids() {
		if before.keys[id] == nil {
			out = append(out, keyAdded{name, id, now.keys[id]})
		}
	}
	for _, id := range before.keys.ids() {
		if now.keys[id] == nil {
			out = append(out, keyRemoved{name, id})
		}
	}
	if before.periods != now.periods {
		out = append(out, periods{name, now.periods, before.periods})
	}
	if before.paths != now.paths || before.terminating != now.terminating {
		out = append(out, delegation{name, now.paths, now.terminating})
	}
	return out
}

func differencesOfTargets(before, now map[string]targetModel) []statement {
	var out []statement
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if was, there := before[name]; was != now[name] {
			out = append(out, target{name, now[name], was, there})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, stays := now[name]; !stays {
			out = append(out, targetRemoved{name})
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

type headline struct {
	role    string
	version int64
	expires time.Time
	before  *model
}

func (h headline) text(map[string]string) string {
	until := h.expires.Format(time.RFC3339)
	if h.before == nil {
		return fmt.Sprintf("%s: version %d, the first; expires %s", h.role, h.version, until)
	}
	return fmt.Sprintf("%s: version %d after %d, expires %s instead of %s", h.role, h.version, h.before.version, until, h.before.expires.Format(time.RFC3339))
}

func (h headline) apply(m *model) { m.version, m.expires = h.version, h.expires }

type specification struct{ now, was string }

func (s specification) text(map[string]string) string {
	return fmt.Sprintf("  TUF specification: version %q instead of %q", s.now, s.was)
}

func (s specification) apply(m *model) { m.spec = s.now }

// periods are the windows of a role; of the metadata itself where role is empty.
type periods struct {
	role     string
	now, was OnlineRole
}

func (p periods) text(map[string]string) string {
	what := "  "
	if p.role != "" {
		what += p.role + ": "
	}
	what += fmt.Sprintf("each version expires after %d days and is signed again %d days before", p.now.Expiry, p.now.Resign)
	if p.was != (OnlineRole{}) {
		what += fmt.Sprintf(", instead of %d and %d", p.was.Expiry, p.was.Resign)
	}
	return what
}

func (p periods) apply(m *model) {
	if p.role == "" {
		m.periods = p.now
		return
	}
	m.change(p.role, func(r *roleModel) { r.periods = p.now })
}

type threshold struct {
	role                string
	now, of, was, ofWas int
}

func (t threshold) text(map[string]string) string {
	text := fmt.Sprintf("  %s: %d of %d keys must sign", t.role, t.now, t.of)
	if t.was > 0 {
		text += fmt.Sprintf(", instead of %d of %d", t.was, t.ofWas)
	}
	return text
}

func (t threshold) apply(m *model) { m.change(t.role, func(r *roleModel) { r.threshold = t.now }) }

type keyAdded struct {
	role, id string
	key      *ecdsa.PublicKey // id is its digest
}

func (k keyAdded) text(names map[string]string) string {
	return fmt.Sprintf("  %s: key added: %s", k.role, keyName(names, k.id))
}

func (k keyAdded) apply(m *model) { m.change(k.role, func(r *roleModel) { r.keys[k.id] = k.key }) }

type keyRemoved struct{ role, id string }

func (k keyRemoved) text(names map[string]string) string {
	return fmt.Sprintf("  %s: key removed: %s", k.role, keyName(names, k.id))
}

func (k keyRemoved) apply(m *model) { m.change(k.role, func(r *roleModel) { delete(r.keys, k.id) }) }

func keyName(names map[string]string, id string) string {
	if name, ok := names[id]; ok {
		return name + " " + id
	}
	return id
}

type delegation struct {
	role, paths string
	terminating bool
}

func (d delegation) text(map[string]string) string {
	then := "clients look no further for those"
	if !d.terminating {
		then = "clients go on looking for those elsewhere"
	}
	return fmt.Sprintf("  delegation %s signs %s; %s", d.role, strings.ReplaceAll(d.paths, " ", ", "), then)
}

func (d delegation) apply(m *model) {
	m.change(d.role, func(r *roleModel) { r.paths, r.terminating = d.paths, d.terminating })
}

type roleRemoved struct{ role string }

func (r roleRemoved) text(map[string]string) string { return "  delegation removed: " + r.role }

func (r roleRemoved) apply(m *model) {
	delete(m.roles, r.role)
	m.order = slices.DeleteFunc(m.order, func(name string) bool { return name == r.role })
}

type order []string

func (o order) text(map[string]string) string {
	return "  clients ask the delegations in this order: " + strings.Join(o, ", ")
}

func (o order) apply(m *model) { m.order = slices.Clone(o) }

type target struct {
	name     string
	now, was targetModel
	there    bool
}

func (t target) text(map[string]string) string {
	text := fmt.Sprintf("  added: %s, %d bytes, sha256 %s", t.name, t.now.length, t.now.sha256)
	if t.there {
		text = fmt.Sprintf("  changed: %s, %d bytes, sha256 %s instead of %d bytes, sha256 %s", t.name, t.now.length, t.now.sha256, t.was.length, t.was.sha256)
	}
	if t.now.usage != t.was.usage {
		text += fmt.Sprintf("\n    older clients are told: %s", t.now.usage)
	}
	return text
}

func (t target) apply(m *model) { m.targets[t.name] = t.now }

// String says what older clients take a target for.
func (u Usage) String() string {
	if u == (Usage{}) {
		return "nothing of it"
	}
	return strings.TrimSpace(fmt.Sprintf("%s, %s %s", u.Usage, u.Status, u.URI))
}

type targetRemoved struct{ name string }

func (t targetRemoved) text(map[string]string) string { return "  removed: " + t.name }

func (t targetRemoved) apply(m *model) { delete(m.targets, t.name) }

// unchanged says how many targets stay as they are.
type unchanged int

func (u unchanged) text(map[string]string) string {
	return fmt.Sprintf("  the same %d targets", int(u))
}

func (u unchanged) apply(*model) {}

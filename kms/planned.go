package kms

import (
	"fmt"
	"maps"
	"slices"

	"github.com/linnemanlabs/trustroot/pki/plan"
)

// Planned is one KMS key that a plan speaks of: one generation of an
// authority, log or application, or the online key of the TUF repository.
type Planned struct {
	Kind       string `json:"kind"` // "authorities", "logs", "apps", "tuf": the plan's words
	Name       string `json:"name"` // "fulcio"; "online_key" under tuf
	Generation int    `json:"generation"`
	Role       Role   `json:"role"`
	Algorithm  string `json:"algorithm"`
	ARN        string `json:"key,omitempty"`         // empty: still to be made
	SPKISHA256 string `json:"spki_sha256,omitempty"` // the plan's pin, empty: not pinned yet
}

// String is "authorities/fulcio g1".
func (p Planned) String() string { return fmt.Sprintf("%s/%s g%d", p.Kind, p.Name, p.Generation) }

// Alias is the alias that the key is made under: "alias/PREFIX/authorities/fulcio/g1".
func (p Planned) Alias(prefix string) string {
	return fmt.Sprintf("alias/%s/%s/%s/g%d", prefix, p.Kind, p.Name, p.Generation)
}

// external marks a generation whose key is not in KMS.
const external = "external"

// Keys lists the KMS keys of a plan: authorities, logs, applications, the TUF
// online key, each by name and generation. Keys on a token and external ones
// are not in KMS and not listed, nor are those of Unknown.
func Keys(p *plan.Plan) []Planned {
	return keys(p, func(key string) bool { return key != external && key != plan.KeyUnknown })
}

// Unknown lists the keys of adopted generations whose ARN nobody knows: nothing
// can be asked of them.
func Unknown(p *plan.Plan) []Planned {
	return keys(p, func(key string) bool { return key == plan.KeyUnknown })
}

func keys(p *plan.Plan, wanted func(key string) bool) []Planned {
	var all []Planned
	add := func(kind, name string, role Role, algorithm string, generations ...plan.Generation) {
		for _, g := range generations {
			if wanted(g.Key) {
				all = append(all, Planned{kind, name, max(g.Generation, 1), role, algorithm, g.Key, g.SPKISHA256})
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Authorities)) {
		if a := p.Authorities[name]; a.Token == nil {
			add("authorities", name, RoleAuthority, a.Algorithm, a.Generations...)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Logs)) {
		l := p.Logs[name]
		add("logs", name, Role(l.Kind), l.Algorithm, l.Generations...)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Apps)) {
		add("apps", name, RoleApp, p.Apps[name].Algorithm, p.Apps[name].Generations...)
	}
	if p.TUF != nil {
		add("tuf", "online_key", RoleOnline, "P-256", p.TUF.OnlineKey)
		if p.TUF.NextOnlineKey != nil {
			add("tuf", "next_online_key", RoleOnline, "P-256", *p.TUF.NextOnlineKey)
		}
	}
	return all
}

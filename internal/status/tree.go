package status

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/xlab/treeprint"

	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// sketch is the drawing of a trust directory.
type sketch struct {
	*trustdir.Dir
	now      time.Time
	details  bool
	children map[issuer][]ledger.Generation
}

// Tree draws what exists and what is planned: the PKI under its root, then logs,
// applications and the TUF repository, a line each. With details it also says
// where each key lives, which file holds it, and its fingerprint.
func Tree(d *trustdir.Dir, now time.Time, details bool) string {
	s := &sketch{d, now, details, children(d)}
	tree := treeprint.NewWithRoot(d.Plan.Organization)
	if d.Plan.Rehearsal != nil {
		tree.SetValue(d.Plan.Organization + "  (REHEARSAL: virtual tokens prove nothing)")
	}
	for _, g := range d.State.Authorities[plan.RootAuthority] {
		s.issued(s.authority(tree, plan.RootAuthority, g), issuer{plan.RootAuthority, g.Number})
	}
	for _, name := range slices.Sorted(maps.Keys(d.Plan.Authorities)) {
		s.planned(tree, name, d.Plan.Authorities[name].Generations, len(d.State.Authorities[name]))
	}
	logs := tree.AddBranch("logs")
	var ended []string
	for _, name := range slices.Sorted(maps.Keys(d.State.Logs)) {
		for i, g := range d.State.Logs[name] {
			if !details && g.Condition() == "" && g.End != nil && !g.End.After(now) {
				ended = append(ended, trustdir.GenerationName(name, g.Number))
				continue
			}
			b := logs.AddBranch(fmt.Sprintf("%s g%d  %s  %s", name, g.Number, s.use(g, i == len(d.State.Logs[name])-1), g.Log.Origin))
			if details {
				b.AddNode("kind    " + g.Log.Kind)
				b.AddNode("key     " + place(d, name, d.Plan.Logs[name].Generations, g.Number))
				b.AddNode("window  " + window(g))
				b.AddNode("log ID  " + trustdir.Groups(g.Log.LogID))
			}
		}
	}
	if len(ended) > 0 {
		logs.AddBranch("ended: " + strings.Join(ended, ", "))
	}
	for _, name := range slices.Sorted(maps.Keys(d.Plan.Logs)) {
		s.planned(logs, name, d.Plan.Logs[name].Generations, len(d.State.Logs[name]))
	}
	if len(d.Plan.Apps) > 0 {
		apps := tree.AddBranch("applications")
		for _, name := range slices.Sorted(maps.Keys(d.Plan.Apps)) {
			for i, g := range d.State.Apps[name] {
				apps.AddBranch(fmt.Sprintf("%s g%d  %s", name, g.Number, s.use(g, i == len(d.State.Apps[name])-1)))
			}
			s.planned(apps, name, d.Plan.Apps[name].Generations, len(d.State.Apps[name]))
		}
	}
	if d.Plan.TUF != nil {
		s.repository(tree.AddBranch("tuf  " + d.Plan.TUF.URL))
	}
	return tree.String()
}

// use says in a word or two what a generation is for now.
func (s *sketch) use(g ledger.Generation, newest bool) string {
	switch {
	case g.Condition() != "":
		return g.Condition()
	case g.End != nil:
		return "replaced " + g.End.UTC().Format(time.DateOnly)
	case g.Start.After(s.now):
		return "from " + g.Start.UTC().Format(time.DateOnly)
	case newest:
		return "in use"
	}
	return "in use until the cutover"
}

// planned are the generations that the ledger does not have yet.
func (s *sketch) planned(under treeprint.Tree, name string, generations []plan.Generation, known int) {
	for _, g := range generations {
		if g.Generation > known {
			text := fmt.Sprintf("%s g%d  planned", name, g.Generation)
			if g.Ceremony != "" {
				text += ", ceremony " + g.Ceremony + " on " + s.Plan.Ceremonies[g.Ceremony].Day
			}
			under.AddBranch(text)
		}
	}
}

// issuer is one generation that issues.
type issuer struct {
	name       string
	generation int
}

// children groups every certificate but the root's under the generation that
// issued it.
func children(d *trustdir.Dir) map[issuer][]ledger.Generation {
	out := map[issuer][]ledger.Generation{}
	for _, name := range slices.Sorted(maps.Keys(d.State.Authorities)) {
		for _, g := range d.State.Authorities[name] {
			if name != plan.RootAuthority {
				by := issuer{g.Certificate.Issuer, 1}
				if above := d.State.Issuer(&g); above != nil {
					by.generation = above.Number
				}
				out[by] = append(out[by], g)
			}
		}
	}
	return out
}

// issued adds what an authority issued below it.
func (s *sketch) issued(under treeprint.Tree, by issuer) {
	var ended []string
	for _, g := range s.children[by] {
		name := g.Certificate.Authority
		if !s.details && s.endedWith(g) && len(s.children[issuer{name, g.Number}]) == 0 {
			ended = append(ended, trustdir.GenerationName(name, g.Number))
			continue
		}
		s.issued(s.authority(under, name, g), issuer{name, g.Number})
	}
	if len(ended) > 0 {
		under.AddBranch("ended: " + strings.Join(ended, ", "))
	}
}

// endedWith reports whether a generation was replaced, or fell with the one
// above it, which says so itself: it needs no line of its own.
func (s *sketch) endedWith(g ledger.Generation) bool {
	above := s.State.Issuer(&g)
	switch {
	case g.Compromised != nil:
		return above != nil && above.Compromised == g.Compromised
	case g.Condition() != "" || g.End == nil:
		return false
	}
	return !g.End.After(s.now)
}

func (s *sketch) authority(under treeprint.Tree, name string, g ledger.Generation) treeprint.Tree {
	c := g.Certificate
	newest := g.Number == len(s.State.Authorities[name])
	b := under.AddBranch(fmt.Sprintf("%s g%d  %s  to %s", name, g.Number, s.use(g, newest), c.NotAfter.Format(time.DateOnly)))
	if s.details {
		b.AddNode("subject " + s.Plan.SubjectOf(name, g.Number).CommonName)
		b.AddNode("key     " + place(s.Dir, name, s.Plan.Authorities[name].Generations, g.Number))
		b.AddNode("valid   " + c.NotBefore.Format(time.DateOnly) + " to " + c.NotAfter.Format(time.DateOnly))
		b.AddNode("SHA-256 " + fingerprint(s.Dir, c.File.Path))
		b.AddNode("file    " + c.File.Path)
	}
	return b
}

// fingerprint is the SHA-256 of the DER of a certificate file.
func fingerprint(d *trustdir.Dir, path string) string {
	data, err := fs.ReadFile(d.FS(), path)
	if err != nil {
		return "the file is gone"
	}
	cert, err := pki.ParseCertificate(data)
	if err != nil {
		return "the file is not a certificate"
	}
	return trustdir.Groups(trustdir.FileOf(path, cert.Raw).SHA256)
}

// place says where a key lives, as far as the plan knows.
func place(d *trustdir.Dir, name string, generations []plan.Generation, number int) string {
	if number > len(generations) {
		return "no longer in the plan"
	}
	switch g := generations[number-1]; {
	case g.Key != "":
		return g.Key
	case g.Ceremony != "" && name == plan.RootAuthority:
		return fmt.Sprintf("YubiKey %d, slot %s", d.Plan.Ceremonies[g.Ceremony].Token, d.Plan.Authorities[plan.RootAuthority].Token.Slot)
	case name == plan.RootAuthority:
		return "YubiKey, slot " + d.Plan.Authorities[plan.RootAuthority].Token.Slot
	default:
		return "not in the plan, SPKI SHA-256 " + trustdir.Groups(g.SPKISHA256)
	}
}

func (s *sketch) repository(b treeprint.Tree) {
	t := s.Plan.TUF
	for _, role := range []struct {
		name string
		plan.Role
	}{{"root", t.Root}, {"targets", t.Targets}} {
		r := b.AddBranch(fmt.Sprintf("%s  %d of %d: %s", role.name, role.Threshold, len(role.Holders), strings.Join(role.Holders, ", ")))
		for _, name := range role.Holders {
			if h := s.Plan.Holders[name]; s.details {
				r.AddNode(fmt.Sprintf("%s  YubiKey %d, slot %s", name, h.Token, h.Slot))
			}
		}
	}
	text := fmt.Sprintf("snapshot %d days, timestamp %d days", t.Snapshot.Expiry, t.Timestamp.Expiry)
	if g := ledger.Newest(s.State.Online); g != nil {
		text += fmt.Sprintf(", key g%d %s  %s", g.Number, window(*g), g.Condition())
	}
	online := b.AddBranch(strings.TrimSpace(text))
	if s.details {
		online.AddNode(t.OnlineKey.Key)
	}
	for _, p := range t.Places {
		b.AddNode(p.At + "  " + p.For)
	}
}

func window(g ledger.Generation) string {
	if g.End == nil {
		return "from " + g.Start.Format(time.DateOnly)
	}
	return g.Start.Format(time.DateOnly) + " to " + g.End.Format(time.DateOnly)
}

package status

import (
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/xlab/treeprint"

	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// Tree draws what exists: the PKI under its root, then logs and the keys of
// the TUF repository, each with place, validity and fingerprint.
func Tree(d *trustdir.Dir) string {
	title := d.Plan.Organization
	tree := treeprint.NewWithRoot(title)
	if d.Plan.Rehearsal != nil {
		tree.SetValue(title + "  (REHEARSAL: the token is virtual and proves nothing)")
	}
	children := children(d)
	for _, g := range d.State.Authorities[plan.RootAuthority] {
		issued(d, authority(d, tree, plan.RootAuthority, g), issuer{plan.RootAuthority, g.Number}, children)
	}
	logs := tree.AddBranch("logs")
	for _, name := range slices.Sorted(maps.Keys(d.State.Logs)) {
		for _, g := range d.State.Logs[name] {
			b := logs.AddBranch(strings.TrimSpace(fmt.Sprintf("%s g%d  %s, origin %s  %s", name, g.Number, g.Log.Kind, g.Log.Origin, g.Condition())))
			b.AddNode("key     " + place(d, name, d.Plan.Logs[name].Generations, g.Number))
			b.AddNode("window  " + window(g))
			b.AddNode("log ID  " + trustdir.Groups(g.Log.LogID))
		}
	}
	if d.Plan.TUF != nil {
		repositoryTree(d, tree.AddBranch("tuf  "+d.Plan.TUF.URL))
	}
	return tree.String()
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
func issued(d *trustdir.Dir, under treeprint.Tree, by issuer, children map[issuer][]ledger.Generation) {
	for _, g := range children[by] {
		name := g.Certificate.Authority
		issued(d, authority(d, under, name, g), issuer{name, g.Number}, children)
	}
}

func authority(d *trustdir.Dir, under treeprint.Tree, name string, g ledger.Generation) treeprint.Tree {
	c := g.Certificate
	b := under.AddBranch(strings.TrimSpace(fmt.Sprintf("%s g%d  %s  %s", name, g.Number, d.Plan.SubjectOf(name, g.Number).CommonName, g.Condition())))
	b.AddNode("key     " + place(d, name, d.Plan.Authorities[name].Generations, g.Number))
	b.AddNode("valid   " + c.NotBefore.Format(time.DateOnly) + " to " + c.NotAfter.Format(time.DateOnly))
	b.AddNode("SHA-256 " + fingerprint(d, c.File.Path))
	b.AddNode("file    " + c.File.Path)
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
		return "the file is no certificate"
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

func repositoryTree(d *trustdir.Dir, b treeprint.Tree) {
	t := d.Plan.TUF
	for _, role := range []struct {
		name string
		plan.Role
	}{{"root", t.Root}, {"targets", t.Targets}} {
		r := b.AddBranch(fmt.Sprintf("%s  %d of %d, %d days", role.name, role.Threshold, len(role.Holders), role.Expiry))
		for _, name := range role.Holders {
			h := d.Plan.Holders[name]
			r.AddNode(fmt.Sprintf("%s  YubiKey %d, slot %s", name, h.Token, h.Slot))
		}
	}
	b.AddBranch(fmt.Sprintf("snapshot %d days, timestamp %d days", t.Snapshot.Expiry, t.Timestamp.Expiry)).AddNode(t.OnlineKey.Key)
}

func window(g ledger.Generation) string {
	if g.End == nil {
		return "from " + g.Start.Format(time.DateOnly)
	}
	return g.Start.Format(time.DateOnly) + " to " + g.End.Format(time.DateOnly)
}

// Places are the folders of the trust directory that people look for.
func Places(d *trustdir.Dir) []string {
	return []string{
		"certificates  " + filepath.Join(d.Path, "authorities"),
		"records       " + filepath.Join(d.Path, "ceremonies"),
		"to serve      " + filepath.Join(d.Path, "trust") + " and " + filepath.Join(d.Path, "tuf"),
		"ledger        " + filepath.Join(d.Path, trustdir.LedgerFile),
	}
}

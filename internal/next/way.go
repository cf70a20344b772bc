package next

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/status"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// soon is how long before an end it is time to begin: a renewal takes people,
// a day and a publication.
const soon = 90 * 24 * time.Hour

// way is the making of a list.
type way struct {
	*trustdir.Dir
	now      time.Time
	founding bool // nothing is published yet: the list shows the whole way
	steps    []Step
}

func (w *way) list(ctx context.Context) (*List, error) {
	l := &List{Title: "publication"}
	w.founding = len(w.State.Authorities[plan.RootAuthority]) == 0 || w.first()
	ceremony := w.pending()
	if root := w.Plan.Authorities[plan.RootAuthority]; w.founding && ceremony == "" {
		ceremony = root.Generations[0].Ceremony // none for a root that was adopted
	}
	w.theft()
	w.create()
	w.joins(w.pins())
	w.keys(ceremony)
	w.ceremony(ceremony)
	w.revocations(ceremony)
	if err := w.publication(); err != nil {
		return nil, err
	}
	switch {
	case w.founding:
		l.Title = "founding"
	case ceremony != "":
		l.Title = "ceremony " + ceremony
	}
	w.cutovers()
	if len(w.steps) == 0 {
		l.Title = "services"
	}
	w.anchors()
	l.Steps = w.steps
	if s, _ := l.Open(); s != nil {
		return l, nil
	}
	return l, w.quiet(ctx, l)
}

// add appends a step with the commands of this directory.
func (w *way) add(s Step, commands ...string) {
	for _, c := range commands {
		if !strings.HasPrefix(c, "trustroot-offline ") {
			c = command(w.Path, c)
		}
		s.Commands = append(s.Commands, c)
	}
	w.steps = append(w.steps, s)
}

func (w *way) has(name string) bool {
	_, err := fs.Stat(w.FS(), name)
	return err == nil
}

// practice is the flag of commands that meet a virtual token.
func (w *way) practice() string {
	if w.Plan.Rehearsal != nil {
		return " --rehearsal"
	}
	return ""
}

// pending is the earliest ceremony of the plan that still has something to
// issue, to revoke or to destroy; empty where there is none.
func (w *way) pending() string {
	names := slices.SortedFunc(maps.Keys(w.Plan.Ceremonies), func(a, b string) int {
		return cmp.Or(cmp.Compare(w.Plan.Ceremonies[a].Day, w.Plan.Ceremonies[b].Day), cmp.Compare(a, b))
	})
	for _, name := range names {
		issues := w.issues(name)
		alone := len(issues) == 0 && (w.Plan.Ceremonies[name].Destroy || w.Plan.Authorities[plan.RootAuthority].CRL != nil) // for a CRL, or the end of a key
		if alone && !w.held(name) || slices.ContainsFunc(issues, open) {
			return name
		}
	}
	return ""
}

// held reports whether the ledger has the record of a ceremony.
func (w *way) held(name string) bool {
	for _, r := range w.State.Records {
		if r.Ceremony == name {
			return true
		}
	}
	return false
}

// target is one generation of an authority, log or application.
type target struct {
	name string
	plan.Generation
	done bool // the ledger has it
}

// issues are the generations that a ceremony makes.
func (w *way) issues(ceremony string) []target {
	all := generations(w.Plan.Authorities, func(a plan.Authority) []plan.Generation { return a.Generations }, w.State.Authorities)
	return slices.DeleteFunc(all, func(t target) bool { return ceremony == "" || t.Ceremony != ceremony })
}

func generations[T any](of map[string]T, list func(T) []plan.Generation, known map[string][]ledger.Generation) []target {
	var out []target
	for _, name := range slices.Sorted(maps.Keys(of)) {
		for _, g := range list(of[name]) {
			out = append(out, target{name, g, g.Generation <= len(known[name])})
		}
	}
	return out
}

func open(t target) bool { return !t.done }

// keys are the steps up to the ledger's entries. After the founding only what
// is missing is shown.
func (w *way) keys(ceremony string) {
	logs := generations(w.Plan.Logs, func(l plan.Log) []plan.Generation { return l.Generations }, w.State.Logs)
	apps := generations(w.Plan.Apps, func(a plan.App) []plan.Generation { return a.Generations }, w.State.Apps)
	exports := slices.Concat(logs, apps)
	requests := slices.DeleteFunc(w.issues(ceremony), func(t target) bool { return t.name == plan.RootAuthority || t.Key == plan.ExternalKey })
	pinned := w.Plan.Pinned() == nil
	if w.founding && len(requests) > 0 || slices.ContainsFunc(requests, open) {
		lacks := func(t target) bool {
			return !t.done && !w.has(trustdir.GenerationDir("authorities", t.name, t.Generation.Generation)+"/"+trustdir.CsrFile)
		}
		w.add(Step{Who: Administrator, What: "Write the certification requests", Larger: w.prepares(ceremony), Done: pinned && !slices.ContainsFunc(requests, lacks)}, "kms csr")
	}
	if w.founding && len(exports) > 0 || slices.ContainsFunc(exports, open) {
		lacks := func(t target) bool {
			return !t.done && !w.has(trustdir.GenerationDir("logs", t.name, t.Generation.Generation)+"/"+trustdir.PublicFile)
		}
		w.add(Step{Who: Administrator, What: "Export the public keys of logs and applications", Larger: w.prepares(ceremony), Done: pinned && !slices.ContainsFunc(exports, lacks)}, "kms export")
	}
	for _, t := range logs {
		if w.founding || !t.done {
			w.add(Step{Who: Administrator, What: "Enter the checkpoint key of " + t.name + " into the ledger", Larger: w.prepares(ceremony), Done: t.done}, "log add "+t.name)
		}
	}
}

func (w *way) ceremony(name string) {
	if name == "" {
		return
	}
	c, held, sequence := w.Plan.Ceremonies[name], w.held(name), 0
	for _, r := range w.State.Requests {
		if r.Ceremony == name {
			sequence = max(sequence, r.Sequence)
		}
	}
	request := fmt.Sprintf("STICK/%04d-%s.tar", cmp.Or(sequence, w.State.Sequence+1), name)
	image := ""
	if c.ImageSHA256 != "" {
		image = " --image ceremony.iso"
	}
	w.add(Step{Who: Administrator, What: "Write the request onto the stick", Larger: w.prepares(name), Done: sequence > 0}, "request create --ceremony "+name+image+" --out STICK")
	w.add(Step{Who: SecondPerson, What: "On your own machine: hold the request against the reviewed plan and write its 32 words on paper", Elsewhere: true, Done: held},
		"trustroot-offline request show "+request)
	if c.ImageSHA256 != "" {
		w.add(Step{Who: SecondPerson, What: "On another machine, before the day and before the start: read the digest of the stick with the ceremony image (scripts/stick prints how); " +
			"it must be " + trustdir.Groups(c.ImageSHA256), Elsewhere: true, Done: held})
	}
	w.add(Step{Who: KeyHolder, What: fmt.Sprintf("In the room, on %s, with YubiKey %d: hold the ceremony (CEREMONY.md)", c.Day, c.Token), Elsewhere: true, Done: held},
		"trustroot-offline ceremony run STICK"+splits(w, c)+w.practice()+networked(w))
	for _, witness := range c.Witnesses {
		flag := " --serial SERIAL"
		if _, known := w.Plan.Holders[witness]; known {
			flag = w.token(witness)
		}
		w.add(Step{Who: Witness, Name: witness, What: "Sign the record with your own token", Elsewhere: true, Done: held},
			"trustroot-offline ceremony witness STICK/"+c.Day+"-"+name+flag+w.practice())
	}
	w.add(Step{Who: Administrator, What: "Check the record and file it", Done: held}, "ceremony accept STICK/"+c.Day+"-"+name+w.practice())
}

// first reports whether nothing was published yet.
func (w *way) first() bool {
	return w.Plan.TUF != nil && !w.has(trustdir.RepositoryDir+"/timestamp.json")
}

// anchors are for the newest record, once the services run that can say that it
// exists.
func (w *way) anchors() {
	record := ""
	for _, r := range w.State.Records {
		if w.stamps(w.Plan.RootOf(r.Ceremony)) {
			record = max(record, path.Dir(path.Dir(r.File.Path))) // they begin with their day
		}
	}
	if record != "" && w.has(record+"/anchors") || record == "" && !w.founding || len(w.Plan.Logs) == 0 {
		return
	}
	record = cmp.Or(record, "ceremonies/RECORD")
	w.add(Step{Who: Administrator, What: "Start the services on their keys, and compare them with the ledger", Elsewhere: true}, "services render all --out FOLDER", "services check")
	w.add(Step{Who: Administrator, What: "Have timestamp authority and Rekor say that the record exists"}, "ceremony anchor "+record)
}

// stamps reports whether the timestamp authority in use is under a root: a record
// is judged by its own root alone.
func (w *way) stamps(root int) bool {
	for _, all := range w.State.Authorities {
		g := ledger.Newest(all)
		if !strings.HasPrefix(g.Certificate.Profile, pki.ProfileTSA) {
			continue
		}
		for g != nil && g.Certificate.Authority != plan.RootAuthority {
			g = w.State.Issuer(g)
		}
		if g != nil && g.Number == root {
			return true
		}
	}
	return false
}

// quiet is what comes when nothing waits: what is due soon as steps, or the day
// of the next end.
func (w *way) quiet(ctx context.Context, l *List) error {
	s, err := status.Read(w.Dir, ctx, w.now)
	if err != nil {
		return err
	}
	for _, i := range s.Due(soon) {
		l.Title = "due"
		l.Steps = append(l.Steps, Step{Who: Administrator, What: i.Title() + " ends " + i.Left(s.At), Commands: []string{i.Do}})
	}
	for _, i := range s.Items {
		if i.Expires != nil && !i.Replaced && !i.Online && i.Expires.After(w.now) {
			l.Quiet = fmt.Sprintf("Nothing waits. The next end is that of %s, %s (%s).", i.Title(), i.Expires.Format(time.DateOnly), i.Left(s.At))
			return nil
		}
	}
	l.Quiet = "Nothing waits."
	return nil
}

// cutovers are the generations that were replaced and whose windows are open.
func (w *way) cutovers() {
	for _, known := range []map[string][]ledger.Generation{w.State.Authorities, w.State.Logs} {
		for _, name := range slices.Sorted(maps.Keys(known)) {
			all := known[name]
			if name == plan.RootAuthority || len(all) < 2 || all[len(all)-2].End != nil {
				continue
			}
			w.add(Step{Who: Administrator, What: fmt.Sprintf("Switch %s to generation %d once verifiers must have fetched it", name, len(all)), Elsewhere: true}, "services render "+name+" --out FOLDER")
			w.add(Step{Who: Administrator, What: "Record when " + name + " was seen to use its new key"}, "cutover "+name+" --at TIME")
		}
	}
}

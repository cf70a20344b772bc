package audit

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/ceremony/record"
	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

const kindRecord = "record"

// kinds of rows, in the order of the page.
var kinds = []struct{ name, title string }{
	{"key", "Key inventory"},
	{"life", "Life of keys"},
	{"certificate", "Certificates"},
	{"crl", "Revocation lists"},
	{kindRecord, "Records of ceremonies, with what verifying them proves"},
	{"exception", "Exceptions"},
	{"material", "Life of devices, media and papers"},
}

// Row is one thing that an auditor asks for.
type Row struct {
	Number  int      `json:"row"`
	Kind    string   `json:"kind"`
	Name    string   `json:"name"`
	Details []string `json:"details"`
	File    string   `json:"file"` // in the pack
	SHA256  string   `json:"sha256"`
	Check   string   `json:"check"` // the command, run in the pack
}

// maker collects rows and the files that are made for them.
type maker struct {
	d     *trustdir.Dir
	files map[string][]byte
	made  map[string][]byte
	rows  []Row
}

func rowsOf(d *trustdir.Dir, o Options, files map[string][]byte) ([]Row, map[string][]byte, error) {
	m := &maker{d: d, files: files, made: map[string][]byte{}}
	m.keys()
	m.certificates()
	for _, step := range []func() error{m.lives, func() error { return m.records(o) }, m.material} {
		if err := step(); err != nil {
			return nil, nil, err
		}
	}
	order := func(kind string) int {
		return slices.IndexFunc(kinds, func(k struct{ name, title string }) bool { return k.name == kind })
	}
	slices.SortStableFunc(m.rows, func(a, b Row) int { return order(a.Kind) - order(b.Kind) })
	for i := range m.rows {
		m.rows[i].Number = i + 1
	}
	return m.rows, m.made, nil
}

func (m *maker) row(kind, name, file, check string, details ...string) {
	data, ok := m.made[file]
	if !ok {
		data = m.files[file]
	}
	m.rows = append(m.rows, Row{Kind: kind, Name: name, Details: slices.DeleteFunc(details, func(s string) bool { return s == "" }),
		File: file, SHA256: digest.Hex(data), Check: check})
}

// write makes a file of lines of JSON.
func write[T any](m *maker, name string, of []T) error {
	var out []byte
	for _, v := range of {
		line, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		out = append(append(out, line...), '\n')
	}
	m.made[name] = out
	return nil
}

// each calls f for every generation of every key.
func (m *maker) each(f func(kind, name string, g ledger.Generation, file string)) {
	for _, all := range []struct {
		kind string
		of   map[string][]ledger.Generation
	}{{"authority", m.d.State.Authorities}, {"log", m.d.State.Logs}, {"application", m.d.State.Apps}} {
		for _, name := range slices.Sorted(maps.Keys(all.of)) {
			for _, g := range all.of[name] {
				file := ""
				switch {
				case g.Certificate != nil:
					file = g.Certificate.File.Path
				case g.Log != nil:
					file = g.Log.File.Path
				case g.App != nil:
					file = g.App.File.Path
				}
				f(all.kind, name, g, Directory+"/"+file)
			}
		}
	}
}

// keys is the inventory: algorithm, place, purpose, generation, status.
func (m *maker) keys() {
	m.each(func(kind, name string, g ledger.Generation, file string) {
		status := g.Condition()
		if status == "" {
			status = "in use"
			if g.End != nil {
				status = "replaced, until " + g.End.UTC().Format(time.RFC3339)
			}
		}
		check := "openssl pkey -pubin -in " + file + " -noout -text"
		if g.Certificate != nil {
			check = "openssl x509 -in " + file + " -noout -text"
		}
		m.row("key", trustdir.GenerationName(name, g.Number), file, check,
			kind, m.algorithm(name, g), m.place(name, g), "key "+g.Key(), "since "+g.Added.UTC().Format(time.DateOnly), status)
	})
}

func (m *maker) algorithm(name string, g ledger.Generation) string {
	if g.Certificate == nil {
		return "ECDSA P-256" // the only curve that logs and applications may have
	}
	return "ECDSA " + m.d.Plan.Authorities[name].Algorithm + ", profile " + g.Certificate.Profile
}

func (m *maker) place(name string, g ledger.Generation) string {
	if name == plan.RootAuthority && g.Certificate != nil {
		a := m.d.Plan.Authorities[name]
		c := m.d.Plan.Ceremonies[g.Certificate.Ceremony]
		if a.Token != nil && c.Token != 0 {
			return fmt.Sprintf("token %d, slot %s", c.Token, a.Token.Slot)
		}
		return "a token that this ledger did not see"
	}
	_, planned := m.d.Plan.Generations(name)
	for _, p := range planned {
		if p.Generation == g.Number && strings.EqualFold(p.SPKISHA256, g.Key()) {
			return p.Key
		}
	}
	return "not in the plan any more"
}

// lives has the ledger's lines about each key, in a file of its own.
func (m *maker) lives() (err error) {
	m.each(func(_, name string, g ledger.Generation, _ string) {
		var lines []ledger.Entry
		var seen []string
		for _, e := range m.d.Ledger.Entries() {
			if about(e, name, g) {
				lines = append(lines, e)
				seen = append(seen, e.Time.UTC().Format(time.DateOnly)+" "+e.Type)
			}
		}
		file := fmt.Sprintf("life/%s-g%d.jsonl", name, g.Number)
		if e := write(m, file, lines); e != nil {
			err = e
		}
		m.row("life", trustdir.GenerationName(name, g.Number), file, "trustroot ledger show --dir "+Directory, seen...)
	})
	return err
}

// about reports whether a line speaks of a generation of a key.
func about(e ledger.Entry, name string, g ledger.Generation) bool {
	switch {
	case e.Certificate != nil:
		return e.Certificate.Authority == name && e.Certificate.Generation == g.Number
	case e.Log != nil:
		return e.Log.Name == name && e.Log.Generation == g.Number
	case e.App != nil:
		return e.App.Name == name && e.App.Generation == g.Number
	case e.Cutover != nil:
		return slices.Contains(e.Cutover.Names, name)
	case e.Compromise != nil:
		return e.Compromise.Name == name && e.Compromise.Generation == g.Number || e.Compromise.Key == g.Key()
	case e.Promote != nil:
		return e.Promote.Name == name && e.Promote.Generation == g.Number
	case e.Ended != nil:
		return e.Ended.Name == name && e.Ended.Generation == g.Number
	case e.CRL != nil:
		return e.CRL.Issuer == name && e.CRL.Generation == g.Number
	case e.Material != nil:
		return e.Material.Key != "" && e.Material.Key == g.Key()
	}
	return false
}

func (m *maker) certificates() {
	for _, e := range m.d.Ledger.Entries() {
		switch c, l := e.Certificate, e.CRL; {
		case c != nil:
			m.row("certificate", trustdir.GenerationName(c.Authority, c.Generation), Directory+"/"+c.Chain.Path,
				"openssl x509 -in "+Directory+"/"+c.File.Path+" -noout -text",
				"profile "+c.Profile, "serial "+c.Serial, c.NotBefore.UTC().Format(time.DateOnly)+" to "+c.NotAfter.UTC().Format(time.DateOnly), "ceremony "+c.Ceremony)
		case l != nil:
			m.row("crl", fmt.Sprintf("%s g%d, CRL %d", l.Issuer, l.Generation, l.Number), Directory+"/"+l.File.Path,
				"openssl crl -inform DER -in "+Directory+"/"+l.File.Path+" -noout -text",
				fmt.Sprintf("%d revoked", len(l.Revoked)), "next update "+l.NextUpdate.UTC().Format(time.DateOnly))
		}
	}
}

// records verifies each record, and files what that proves.
func (m *maker) records(o Options) error {
	for _, e := range m.d.Plan.Exceptions {
		m.row("exception", e.Name, Directory+"/"+trustdir.PlanFile, "trustroot plan check --dir "+Directory, "by the plan", e.Reason)
	}
	flag := ""
	if o.Rehearsal {
		flag = " --rehearsal"
	}
	for _, r := range recordsOf(m.d) {
		v, err := ceremony.Verify(m.d.Join(r.path), ceremony.VerifyOptions{Linter: o.Linter, Rehearsal: o.Rehearsal})
		if err != nil {
			return err
		}
		file := "verified/" + r.name + ".jsonl"
		if err := write(m, file, v.Claims); err != nil {
			return err
		}
		people := 0
		for _, c := range v.Claims {
			if c.People {
				people++
			}
		}
		sums := Directory + "/" + r.path + "/" + record.SealedDir + "/" + courier.SumsFile
		check := "trustroot ceremony verify " + Directory + "/" + r.path + flag
		m.row(kindRecord, r.name, sums, check, r.day, fmt.Sprintf("%d claims proved, %d rest on people", len(v.Claims)-people, people),
			fmt.Sprintf("%d witnesses' tokens, %d anchors", len(v.Witnesses), len(v.Anchors)))
		m.row(kindRecord, r.name+": what was proved", file, check)
		for _, text := range v.Exceptions() {
			m.row("exception", r.name, Directory+"/"+r.path+"/"+record.SealedDir+"/"+record.Journal, check, text)
		}
	}
	return nil
}

func (m *maker) material() error {
	for _, item := range slices.Sorted(maps.Keys(m.d.State.Material)) {
		life := m.d.State.Material[item]
		file := fmt.Sprintf("life/material-%s.jsonl", strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
				return r
			}
			return '-'
		}, item)+"-"+digest.Hex([]byte(item))[:8])
		if err := write(m, file, life); err != nil {
			return err
		}
		var seen []string
		for _, e := range life {
			seen = append(seen, e.At.UTC().Format(time.DateOnly)+" "+e.String())
			if e.Statement != nil {
				m.row("material", item+": inspection of "+e.At.UTC().Format(time.DateOnly), Directory+"/"+e.Statement.Path, "trustroot material show --dir "+Directory,
					"key "+e.Key, fmt.Sprintf("%d PIN and %d PUK tries left", e.PINTries, e.PUKTries))
			}
		}
		m.row("material", item, file, "trustroot material show --dir "+Directory, seen...)
	}
	return nil
}

package adopt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/publish"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/checkpoint"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// Write makes the trust directory: whole, or not at all. With keep false it is
// made, judged and thrown away, so that Changes says what it would publish.
func (a *Adoption) Write(path string, keep bool) error {
	if len(a.Questions) > 0 {
		return fault.New(fault.Usage, "answer every question; nothing was written", fmt.Errorf("%d questions are open", len(a.Questions)))
	}
	if err := CheckNew(path); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("make the folder above %s: %w", path, err)
	}
	dir, err := durable.NewDir(path)
	if err != nil {
		return err
	}
	defer dir.Discard()
	if err := fill(a, dir.Path()); err != nil {
		return err
	}
	d, err := trustdir.Open(dir.Path())
	if err != nil {
		return err
	}
	if err := d.Ledger.VerifyFiles(d.FS()); err != nil {
		return err
	}
	if missing := missingRoles(a); a.old == nil && missing != "" {
		a.found("trusted_root.json is not built yet: there is no %s; add it to the plan and the ledger, then run `trustroot trusted-root build`", missing)
	} else if _, err := publish.TrustedRoot(d); err != nil {
		return err
	}
	if a.old != nil {
		built, err := fs.ReadFile(d.FS(), trustdir.TrustedRootFile)
		if err != nil {
			return err
		}
		if a.Changes, err = remade(a, built); err != nil {
			return err
		}
		if err := repaired(a, built); err != nil {
			return err
		}
	}
	if len(a.Changes) > 0 {
		var list []string
		for _, c := range a.Changes {
			list = append(list, fmt.Sprintf("  %s %s: %s", c.Path, c.Name, c.Text))
		}
		if answer, ok := ask(a, Question{
			ID: "repairs", Default: agreed, Form: agreed,
			Text:  "The trusted root is built like the one in use, but for these repairs:\n" + strings.Join(list, "\n") + "\nDo you agree?",
			Wrong: "verifiers get a file that says something else than the one they have",
		}); ok && answer != agreed {
			refuse(a, "repairs", "%q is not %q: correct the answers behind a repair, or the files", answer, agreed)
		}
	}
	unused(a)
	if err := a.answered(); err != nil || !keep || len(a.Questions) > 0 {
		return err
	}
	return dir.Commit()
}

// missingRoles names the roles without which no client reads a trusted root.
func missingRoles(a *Adoption) string {
	have := map[string]bool{}
	for _, l := range a.logs {
		have[l.Kind] = true
	}
	for _, g := range a.authorities {
		have[g.profile] = true
	}
	var missing []string
	for _, role := range []struct{ id, name string }{
		{pki.ProfileFulcioCA, "Fulcio CA"}, {plan.RekorV2, "Rekor log"}, {plan.StaticCT, "CT log"},
	} {
		if !have[role.id] {
			missing = append(missing, role.name)
		}
	}
	return strings.Join(missing, ", ")
}

// CheckNew refuses a path at which something is.
func CheckNew(path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.Usage, "name a new folder with --dir; nothing was written", fmt.Errorf("%s exists", path))
	}
	return nil
}

// fill writes plan, files and ledger.
func fill(a *Adoption, path string) error {
	p, err := plan.Parse(trustdir.PlanFile, a.Plan)
	if err != nil {
		return err
	}
	files := []trustdir.File{{Name: trustdir.PlanFile, Data: a.Plan}}
	entries, written, err := entries(a)
	if err != nil {
		return err
	}
	if t := a.options.Token; t != nil && t.Slot != nil {
		attested, err := attestationFiles(a, t)
		if err != nil {
			return err
		}
		files = append(files, attested...)
	}
	d := &trustdir.Dir{Path: path}
	if err := d.WriteNew(append(files, written...)...); err != nil {
		return err
	}
	name := d.Join(trustdir.LedgerFile)
	if err := ledger.Create(name, ledger.Created{Organization: p.Organization, Rehearsal: p.Rehearsal != nil}, a.now); err != nil {
		return err
	}
	_, err = ledger.Append(name, "", a.now, entries...)
	return err
}

func attestationFiles(a *Adoption, t *AdoptedToken) ([]trustdir.File, error) {
	dir := trustdir.GenerationDir("authorities", plan.RootAuthority, len(a.authorities[0].generations)) + "/attestation/"
	slot, errS := pki.EncodeCertificate(t.Slot)
	device, errD := pki.EncodeCertificate(t.Device)
	return []trustdir.File{{Name: dir + "slot.pem", Data: slot}, {Name: dir + "device.pem", Data: device}}, errors.Join(errS, errD)
}

// entries are the ledger's lines, issuers first, each cutover right behind the
// generation that took over.
func entries(a *Adoption) ([]ledger.Entry, []trustdir.File, error) {
	var entries []ledger.Entry
	var files []trustdir.File
	cutover := func(name string, generation int) {
		f, ok := a.cutovers[key(name, generation)]
		if !ok {
			return
		}
		e := ledger.Entry{Cutover: &ledger.Cutover{Names: []string{name}, At: f.at.UTC()}, Source: ledger.Published}
		if !f.published {
			e.Source, e.By = ledger.Told, a.options.By
		}
		entries = append(entries, e)
	}
	for _, g := range a.authorities {
		for i := range g.generations {
			c, written, err := g.entry(i)
			if err != nil {
				return nil, nil, err
			}
			source := ledger.Observed
			if a.old.entryOf(digest.Hex(g.generations[i].Raw)) != nil {
				source = ledger.Published
			}
			entries = append(entries, ledger.Entry{Certificate: c, Source: source})
			files = append(files, written...)
			cutover(g.name, i+1)
		}
	}
	for _, w := range a.withheld {
		for _, serial := range w.serials {
			entries = append(entries, ledger.Entry{Source: ledger.Told, By: a.options.By,
				Withheld: &ledger.Withheld{Authority: plan.RootAuthority, Serial: serial, Reason: w.reason}})
		}
	}
	for _, l := range a.logs {
		for i := range l.keys {
			e, written, err := l.entry(i)
			if err != nil {
				return nil, nil, err
			}
			source := ledger.Entry{Log: e, Source: ledger.Told, By: a.options.By}
			if old := a.old.entryOf(l.keys[i].spki); old != nil && old.start != nil {
				source = ledger.Entry{Log: e, Source: ledger.Published}
			}
			entries = append(entries, source)
			files = append(files, written...)
			cutover(l.Name, i+1)
		}
	}
	return entries, files, nil
}

func (g *adoptedAuthority) entry(i int) (*ledger.Certificate, []trustdir.File, error) {
	c := g.generations[i]
	leaf, errL := pki.EncodeCertificate(c)
	chain, errC := pki.EncodeCertificates(g.chains[i])
	if err := errors.Join(errL, errC); err != nil {
		return nil, nil, err
	}
	dir := trustdir.GenerationDir("authorities", g.name, i+1)
	issuer := g.issuer
	if issuer == "" {
		issuer = g.name
	}
	written := []trustdir.File{{Name: dir + "/certificate.pem", Data: leaf}, {Name: dir + "/chain.pem", Data: chain}}
	return &ledger.Certificate{
		Authority: g.name, Generation: i + 1, Profile: g.profile, Serial: ledger.SerialHex(c.SerialNumber),
		SPKISHA256: digest.Hex(c.RawSubjectPublicKeyInfo), Issuer: issuer, NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(),
		File: trustdir.FileOf(written[0].Name, leaf), Chain: trustdir.FileOf(written[1].Name, chain),
	}, written, nil
}

func (l *adoptedLog) entry(i int) (*ledger.Log, []trustdir.File, error) {
	k := l.keys[i]
	key, err := checkpoint.New(l.Kind, l.Origin, k.key)
	if err != nil {
		return nil, nil, err
	}
	text, err := key.PEM()
	if err != nil {
		return nil, nil, err
	}
	dir := trustdir.GenerationDir("logs", l.Name, i+1)
	return &ledger.Log{
		Name: l.Name, Generation: i + 1, Kind: l.Kind, Origin: l.Origin, URL: l.URL,
		LogID: k.spki, Start: k.start.UTC().Truncate(time.Second), File: trustdir.FileOf(dir+"/key.pem", text),
	}, []trustdir.File{{Name: dir + "/key.pem", Data: text}, {Name: dir + "/vkey", Data: []byte(key.Verifier() + "\n")}}, nil
}

package ceremony

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/linnemanlabs/trustroot/ceremony/record"
	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/needs"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/anchor"
	"github.com/linnemanlabs/trustroot/pki/lint"
	"github.com/linnemanlabs/trustroot/yubikey"
)

// audit runs the auditor's script, which knows openssl and coreutils only.
func audit(t *testing.T, path string) (output string, holds bool) {
	t.Helper()
	needs.Program(t, "openssl")
	cmd := exec.Command("../scripts/audit-record", "--rehearsal", path)
	out, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 5 {
		return string(out), false
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out), true
}

// agree wants script and program to say the same of a record.
func agree(t *testing.T, what, path string, want bool) {
	t.Helper()
	_, err := Verify(path, quick)
	if (err == nil) != want {
		t.Errorf("%s: verify says %v", what, err)
	}
	if out, holds := audit(t, path); holds != want {
		t.Errorf("%s: the script says\n%s", what, out)
	}
}

func TestAudit_AgreesWithVerify(t *testing.T) {
	needs.Time(t)
	t.Parallel()
	w := newWorld(t)
	v := w.hold(w.founding())
	witness := newChip(t, 20000001)
	witness.Root, witness.F9, witness.F9Key = w.chip.Root, w.chip.F9, w.chip.F9Key
	d, err := witness.open(script())(context.Background(), 20000001)
	must(t, err)
	_, err = d.Generate("9a", yubikey.KeyOptions{Algorithm: "P-256", PIN: "once", Touch: "always"})
	must(t, err)
	_, err = SignAsWitness(context.Background(), v.Record.Path, WitnessOptions{
		VerifyOptions: VerifyOptions{Linter: lint.New(), Rehearsal: true}, Serial: 20000001, Slot: "9a", Operator: script(), Open: witness.open(script()),
	})
	must(t, err)
	agree(t, "the record as it was made", v.Record.Path, true)
	name := w.anchor(v.Record.Path, "rekor/1")
	agree(t, "the record with an anchor", v.Record.Path, true)
	again := w.verify(v.Record.Path)
	for _, file := range courier.Names(again.Record.Anchors[name]) {
		damage(t, v.Record.Path, filepath.Join(record.AnchorsDir, name, file))
	}
	strangerBetween(t, w, filepath.Join(v.Record.Path, record.AnchorsDir, name), v.Record.Path)
	for _, name := range courier.Names(again.Record.Files) {
		damage(t, v.Record.Path, filepath.Join(record.SealedDir, name))
	}
	for _, name := range courier.Names(again.Record.Signatures) {
		damage(t, v.Record.Path, filepath.Join(record.SignaturesDir, name))
	}
	agree(t, "the record again", v.Record.Path, true)
	second := w.hold(w.renewal(v))
	agree(t, "the record of a renewal", second.Record.Path, true)
	w.anchor(second.Record.Path, "rekor/1")
	agree(t, "the record of a renewal with an anchor", second.Record.Path, true)
}

// strangerBetween puts a CA that is for something else between an anchor's
// authority and the root, has both judge, and takes it out again.
func strangerBetween(t *testing.T, w *world, dir, path string) {
	t.Helper()
	good, err := courier.ReadFolder(dir, anchor.Limits)
	must(t, err)
	chain, err := pki.ParseCertificates(good[anchor.ChainFile])
	must(t, err)
	for _, i := range w.verify(path).Issued {
		if i.Authority == "fulcio" {
			chain = slices.Insert(chain, 1, i.Certificate)
		}
	}
	bad := maps.Clone(good)
	bad[anchor.ChainFile], err = pki.EncodeCertificates(chain)
	must(t, err)
	delete(bad, courier.SumsFile)
	bad[courier.SumsFile] = courier.Sums(bad)
	for _, files := range []map[string][]byte{bad, good} {
		must(t, os.RemoveAll(dir))
		must(t, courier.WriteFolder(dir, files))
		agree(t, "an anchor with a CA for something else", path, !bytes.Equal(files[anchor.ChainFile], bad[anchor.ChainFile]))
	}
}

// damage changes a byte in the middle of a file, has both judge, and puts it
// back.
func damage(t *testing.T, path, name string) {
	t.Helper()
	full := filepath.Join(path, name)
	text, err := os.ReadFile(full)
	must(t, err)
	bad := bytes.Clone(text)
	bad[len(bad)/2] ^= 1
	must(t, os.WriteFile(full, bad, 0o644))
	agree(t, name, path, false)
	must(t, os.WriteFile(full, text, 0o644))
}

func TestAudit_ForgedWithoutTheToken(t *testing.T) {
	needs.Time(t)
	t.Parallel()
	w := newWorld(t)
	path := w.hold(w.founding()).Record.Path
	lines := bytes.SplitAfter(w.verify(path).Record.Files[record.Journal], []byte("\n"))
	for what, edit := range map[string]func(files map[string][]byte){
		"an added file":       func(files map[string][]byte) { files["extra.txt"] = []byte("x") },
		"a removed file":      func(files map[string][]byte) { delete(files, record.Report) },
		"a changed report":    func(files map[string][]byte) { files[record.Report] = []byte("nothing happened\n") },
		"a journal cut short": func(files map[string][]byte) { files[record.Journal] = bytes.Join(lines[:len(lines)-2], nil) },
	} {
		copied := filepath.Join(t.TempDir(), "record")
		must(t, os.CopyFS(copied, os.DirFS(path)))
		reseal(t, copied, edit)
		agree(t, what, copied, false)
	}
}

func TestAudit_WhatHasNoPlace(t *testing.T) {
	needs.Time(t)
	t.Parallel()
	w := newWorld(t)
	path := w.hold(w.founding()).Record.Path
	w.anchor(path, "rekor/1")
	for _, name := range []string{"extra", ".hidden", "signatures/extra", "signatures/.hidden", "signatures/more/extra", "signatures/witness-1/statement.dsse.json", "signatures/witness-x/slot.pem", "anchors/extra", "sealed/.hidden", "sealed/request/extra"} {
		full := filepath.Join(path, name)
		must(t, os.MkdirAll(filepath.Dir(full), 0o755))
		must(t, os.WriteFile(full, nil, 0o644))
		agree(t, name, path, false)
		must(t, os.Remove(full))
		if dir := filepath.Join(path, "signatures/more"); filepath.Dir(full) == dir {
			must(t, os.Remove(dir))
		}
	}
	// what a power cut leaves of an anchor is none yet, and nothing extra
	must(t, os.Mkdir(filepath.Join(path, record.AnchorsDir, ".2026-01-01T00-00-00Z.tmp-1"), 0o755))
	must(t, os.MkdirAll(filepath.Join(path, record.SessionDir, "anything"), 0o755))
	agree(t, "the record again", path, true)
}

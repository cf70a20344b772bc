package ceremony

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/ceremony/record"
	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/needs"
)

// noLint leaves linting out where a record is verified hundreds of times: the
// linter judges what certificates say, which these tests do not change alone.
var quick = VerifyOptions{Linter: noLint{}, Rehearsal: true}

// damageEvery changes bytes of every file below a folder of a record, one at a
// time, and wants each to be found and named.
func damageEvery(t *testing.T, path, folder string) {
	t.Helper()
	changed := 0
	must(t, filepath.WalkDir(filepath.Join(path, folder), func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		must(t, err)
		for _, at := range []int{0, len(text) / 4, len(text) / 2, 3 * len(text) / 4, len(text) - 2, len(text) - 1} {
			bad := bytes.Clone(text)
			bad[at] ^= 1
			must(t, os.WriteFile(name, bad, 0o644))
			_, err := Verify(path, quick)
			named(t, err, filepath.Base(name))
			changed++
		}
		return os.WriteFile(name, text, 0o644)
	}))
	if _, err := Verify(path, quick); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d changed bytes below %s/ were found", changed, folder)
}

// named wants exit code 5, the file and the claim.
func named(t *testing.T, err error, file string) {
	t.Helper()
	refused(t, err, fault.Verification, file)
	if err != nil && !strings.Contains(err.Error(), "not proved: ") {
		t.Errorf("no claim is named: %v", err)
	}
}

func TestVerify_SignatureDamaged(t *testing.T) {
	needs.Time(t)
	t.Parallel()
	w := newWorld(t)
	path := w.hold(w.founding()).Record.Path
	name := filepath.Join(path, record.SignaturesDir, record.RecordKeyFile)
	text, err := os.ReadFile(name)
	must(t, err)
	for at := range text {
		if at%61 != 0 {
			continue // package record changes every byte of an envelope
		}
		bad := bytes.Clone(text)
		bad[at] ^= 1 << (at % 7)
		must(t, os.WriteFile(name, bad, 0o644))
		_, err := Verify(path, quick)
		named(t, err, record.RecordKeyFile)
	}
	must(t, os.WriteFile(name, text, 0o644))
}

func TestVerify_EveryFileDamaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.hold(w.founding()).Record.Path
	w.anchor(path, "rekor/1")
	damageEvery(t, path, record.SealedDir)
	damageEvery(t, path, record.SignaturesDir)
	damageEvery(t, path, record.AnchorsDir)
}

func TestVerify_AddedAndRemoved(t *testing.T) {
	w := newWorld(t)
	path := w.hold(w.founding()).Record.Path
	for _, name := range []string{"sealed/extra.txt", "sealed/certificates/evil-g1.pem", "signatures/other.txt", "extra.txt"} {
		must(t, os.WriteFile(filepath.Join(path, name), []byte("x"), 0o644))
		_, err := Verify(path, quick)
		named(t, err, filepath.Base(name))
		must(t, os.Remove(filepath.Join(path, name)))
	}
	v := w.verify(path)
	names := []string{"signatures/" + record.RecordKeyFile}
	for _, name := range courier.Names(v.Record.Files) {
		names = append(names, "sealed/"+name)
	}
	for _, name := range names {
		full := filepath.Join(path, name)
		must(t, os.Rename(full, full+".away.tmp"))
		must(t, os.Rename(full+".away.tmp", filepath.Join(w.dir, "away")))
		_, err := Verify(path, quick)
		named(t, err, filepath.Base(name))
		must(t, os.Rename(filepath.Join(w.dir, "away"), full))
	}
	w.verify(path)
	must(t, os.Mkdir(filepath.Join(path, record.SessionDir), 0o755))
	must(t, os.WriteFile(filepath.Join(path, record.SessionDir, "typescript"), []byte("x"), 0o644))
	w.verify(path)
}

// reseal writes SHA256SUMS anew, as a forger without the token would.
func reseal(t *testing.T, path string, edit func(files map[string][]byte)) {
	t.Helper()
	v, err := record.Open(path)
	must(t, err)
	before := v.Files
	edit(v.Files)
	sealed := filepath.Join(path, record.SealedDir)
	must(t, os.RemoveAll(sealed))
	delete(before, courier.SumsFile)
	all, err := record.Seal(v.Files)
	must(t, err)
	must(t, courier.WriteFolder(sealed, all))
}

func TestVerify_ForgedJournal(t *testing.T) {
	w := newWorld(t)
	path := w.hold(w.founding()).Record.Path
	whole := bytes.Clone(w.verify(path).Record.Files[record.Journal])
	lines := bytes.SplitAfter(whole, []byte("\n"))
	lines = lines[:len(lines)-1]
	for what, forged := range map[string][]byte{
		"two swapped": bytes.Join([][]byte{bytes.Join(lines[:5], nil), lines[6], lines[5], bytes.Join(lines[7:], nil)}, nil),
		"one dropped": bytes.Join([][]byte{bytes.Join(lines[:5], nil), bytes.Join(lines[6:], nil)}, nil),
		"tail cut":    bytes.Join(lines[:len(lines)-1], nil),
		"torn":        whole[:len(whole)-1],
	} {
		reseal(t, path, func(files map[string][]byte) { files[record.Journal] = forged })
		_, err := Verify(path, quick)
		named(t, err, record.Journal)
		if err == nil {
			t.Errorf("journal with %s", what)
		}
	}
	// with the tail rewritten, chain and all, the statement tells
	last := bytes.Replace(lines[len(lines)-1], []byte(`"data":{}`), []byte(`"data":{"x":"y"}`), 1)
	if bytes.Equal(last, lines[len(lines)-1]) {
		t.Fatal("the last line has no empty data")
	}
	reseal(t, path, func(files map[string][]byte) {
		files[record.Journal] = append(bytes.Join(lines[:len(lines)-1], nil), last...)
	})
	_, err := Verify(path, quick)
	named(t, err, record.RecordKeyFile)
	if err == nil || !strings.Contains(err.Error(), "sealed/"+record.Journal) && !strings.Contains(err.Error(), "sealed/SHA256SUMS") {
		t.Errorf("the changed file is not named: %v", err)
	}
	reseal(t, path, func(files map[string][]byte) { files[record.Journal] = whole })
	w.verify(path)
}

func TestVerify_RehearsalOnlyWhereAsked(t *testing.T) {
	w := newWorld(t)
	path := w.hold(w.founding()).Record.Path
	_, err := Verify(path, VerifyOptions{Linter: noLint{}})
	refused(t, err, fault.Verification, "rehearsal")
}

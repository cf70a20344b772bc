//go:build linux && cgo

package attacks

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/needs"
	"github.com/linnemanlabs/trustroot/internal/rehearsal"
	"github.com/linnemanlabs/trustroot/pki/ledger"
)

// record is the one record of the rehearsal, in a folder of that name of the
// empty folder.
func record(w *world, name string) (from string) {
	w.Helper()
	records, err := filepath.Glob(w.path("rehearsal/usb/*-founding/sealed"))
	if err != nil || len(records) != 1 {
		w.Fatalf("%v: records %q", err, records)
	}
	from = filepath.Dir(records[0])
	if out, err := exec.Command("cp", "-a", from, filepath.Join(w.tmp, name)).CombinedOutput(); err != nil {
		w.Fatalf("%v\n%s", err, out)
	}
	return filepath.Base(from)
}

// unaccepted puts the trust directory back to the evening of the ceremony.
func unaccepted(w *world) {
	w.Helper()
	certificates, err := filepath.Glob(w.path("authorities/*/g1/c*.pem"))
	if err != nil {
		w.Fatal(err)
	}
	for _, path := range append(certificates, w.path("authorities/root"), w.path("ceremonies"), w.path("tuf"), w.path("staged"), w.path("trust"), w.path("bundles")) {
		if err := os.RemoveAll(path); err != nil {
			w.Fatal(err)
		}
	}
	rewrite(func(entries []ledger.Entry) []ledger.Entry {
		return entries[:slices.IndexFunc(entries, func(e ledger.Entry) bool { return e.Certificate != nil })]
	})(w)
}

// TestAccept_NamesTheRecordItself has records come in folders of any name.
func TestAccept_NamesTheRecordItself(t *testing.T) {
	var rows []row
	for path, name := range map[string]string{"{tmp}/x": "x", "{tmp}/a\x1b[2J\u202e\u200b": "a\x1b[2J\u202e\u200b", ".": "x", "{tmp}/ceremonies/": "ceremonies"} {
		var proper string
		rows = append(rows, row{
			name: fmt.Sprintf("%q", path), under: []string{"env", "--chdir", "{tmp}/" + name},
			do: func(w *world) {
				unaccepted(w)
				proper = record(w, name)
			},
			args: []string{"ceremony", "accept", path, "--rehearsal", "--dir", "{dir}"}, code: 0, words: []string{"authorities/fulcio/g1/certificate.pem"}, never: raw,
			check: func(w *world) {
				filed, err := filepath.Glob(w.path("ceremonies/*"))
				if err != nil || len(filed) != 1 || filepath.Base(filed[0]) != proper {
					w.Errorf("%v: filed as %q, want %s", err, filed, proper)
				}
				w.ok("ledger", "verify")
			},
		})
	}
	rows = append(rows, row{
		name: "a changed record", args: []string{"ceremony", "accept", "{tmp}/x", "--rehearsal"}, code: 5, words: []string{"sealed/", "report.html: changed"},
		do: func(w *world) {
			unaccepted(w)
			record(w, "x")
			if err := os.WriteFile(w.tmp+"/x/sealed/report.html", nil, 0o644); err != nil {
				w.Fatal(err)
			}
		},
		check: func(w *world) {
			if _, err := os.Stat(w.path("ceremonies")); err == nil {
				w.Error("something was filed before the record was checked")
			}
		},
	})
	play(t, rows)
}

// TestWitness_KilledAtEveryWrite kills `ceremony witness` at each system call
// that makes a folder, flushes a file or renames, and runs the same command
// again: the record holds before and after, and can be accepted.
func TestWitness_KilledAtEveryWrite(t *testing.T) {
	needs.Time(t)
	needs.Program(t, "strace")
	w := newWorld(t)
	w.plug(tokenOf("holder.json"))
	name := record(w, "x")
	witness := func(path string, under ...string) (string, int) {
		return w.run(row{under: under, args: []string{"ceremony", "witness", path, "--serial", fmt.Sprint(rehearsal.HolderSerial), "--rehearsal"}})
	}
	killed := 0
	for _, call := range []string{"mkdirat", "fsync", "renameat2"} {
		for n := 1; ; n++ {
			path := filepath.Join(w.tmp, fmt.Sprintf("%s-%d", call, n), name)
			if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("cp", "-a", filepath.Join(w.tmp, "x"), path).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			said, code := witness(path, "strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace="+call, "-e", fmt.Sprintf("inject=%s:signal=SIGKILL:when=%d", call, n))
			if code == 0 {
				break // it has no further call of this kind
			}
			if killed++; code != -1 && code != 137 {
				t.Fatalf("killed at %s %d: exit code %d\n%s", call, n, code, said)
			}
			w.ok("ceremony", "verify", path, "--rehearsal")
			if said, code := witness(path); code != 0 && !strings.Contains(said, "signed this record already") {
				t.Errorf("after a kill at %s %d: exit code %d\n%s", call, n, code, said)
			}
			if said := w.ok("ceremony", "verify", path, "--rehearsal"); !strings.Contains(said, fmt.Sprint(rehearsal.HolderSerial)) {
				t.Errorf("after a kill at %s %d the record has no witness\n%s", call, n, said)
			}
		}
	}
	t.Logf("killed %d times", killed)
	if killed < 5 {
		t.Errorf("killed only %d times", killed)
	}
	unaccepted(w)
	w.ok("ceremony", "accept", filepath.Join(w.tmp, "fsync-1", name), "--rehearsal")
}

// TestPlan_RootsTokenIsNoHolders names the root's token as a holder's.
func TestPlan_RootsTokenIsNoHolders(t *testing.T) {
	serial := func(n uint32) string { return fmt.Sprintf("token: %d", n) }
	play(t, []row{{
		name: "in the plan", args: []string{"plan", "check"}, code: 2, words: []string{"holders.first.token", "is the root's token of the ceremony founding"},
		do: func(w *world) { w.replace("pki.yaml", serial(rehearsal.HolderSerial), serial(rehearsal.Serial)) },
	}})
}

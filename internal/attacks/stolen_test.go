//go:build linux && cgo

package attacks

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/rehearsal"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// TestCompromise_StopsWhatWasUnderWay has keys stolen on the evening of the
// ceremony: its record is not accepted any more, its request not made again, and
// one that holds the theft not signed. Other keys are neighbours.
func TestCompromise_StopsWhatWasUnderWay(t *testing.T) {
	pin := func(w *world, name string) string {
		p, err := plan.Parse("pki.yaml", w.read("pki.yaml"))
		if err != nil {
			w.Fatal(err)
		}
		if l, isLog := p.Logs[name]; isLog {
			return l.Generations[0].SPKISHA256
		}
		if a, isApp := p.Apps[name]; isApp {
			return a.Generations[0].SPKISHA256
		}
		return p.Authorities[name].Generations[0].SPKISHA256
	}
	ago := func() string { return time.Now().UTC().Add(-time.Minute).Format(time.RFC3339) }
	stolen := func(of func(w *world) string) func(w *world) {
		return func(w *world) {
			unaccepted(w)
			record(w, "x")
			w.ok("compromise", of(w), "--since", ago(), "--reason", "the key was copied")
		}
	}
	untouched := func(w *world) {
		l, err := ledger.Read(w.path("ledger.jsonl"))
		if err != nil {
			w.Fatal(err)
		}
		if all := l.Entries(); all[len(all)-1].Compromise == nil {
			w.Error("the ledger goes on after the theft")
		}
		for _, name := range []string{"ceremonies", "authorities/fulcio/g1/certificate.pem"} {
			if _, err := os.Stat(w.path(name)); err == nil {
				w.Errorf("%s was filed", name)
			}
		}
	}
	accept := []string{"ceremony", "accept", "{tmp}/x", "--rehearsal"}
	create := []string{"request", "create", "--ceremony", "founding", "--out", "{tmp}"}
	var rows []row
	for _, name := range []string{"fulcio", "tsa"} {
		of := func(w *world) string { return pin(w, name) }
		rows = append(rows,
			row{name: name + ": a record from before the theft", do: stolen(of), args: accept, code: 5, words: []string{"is COMPROMISED since", "the key was copied"}, check: untouched},
			row{name: name + ": a request after the theft", do: stolen(of), args: create, code: 5, words: []string{"is COMPROMISED since"}, check: untouched})
	}
	// the ledger does not have that root yet: its key is in the record
	ofRoot := func(w *world) string {
		text, err := os.ReadFile(filepath.Join(w.tmp, "x/sealed/certificates/root-g1.pem"))
		if err != nil {
			w.Fatal(err)
		}
		c, err := pki.ParseCertificate(text)
		if err != nil {
			w.Fatal(err)
		}
		return digest.Hex(c.RawSubjectPublicKeyInfo)
	}
	rows = append(rows, row{name: "root: a record from before the theft", do: stolen(ofRoot), args: accept, code: 5, words: []string{"is COMPROMISED since"}, check: untouched})
	for name, args := range map[string][]string{"rekor": {"log", "add", "rekor"}, "deploy": {"kms", "export", "deploy"}} {
		rows = append(rows, row{name: name + ": its key is entered after the theft", args: args, code: 5, words: []string{"is COMPROMISED since"}, check: untouched, do: func(w *world) {
			unaccepted(w)
			rewrite(func(entries []ledger.Entry) []ledger.Entry {
				return slices.DeleteFunc(entries, func(e ledger.Entry) bool { return e.Log != nil || e.App != nil })
			})(w)
			w.ok("compromise", pin(w, name), "--since", ago(), "--reason", "the key was copied")
		}})
	}
	rows = append(rows,
		row{name: "a request that holds the theft is not signed", code: 5, words: []string{"is COMPROMISED since"},
			args: []string{"ceremony", "run", "{dir}/rehearsal/usb/0001-founding", "--serial", fmt.Sprint(rehearsal.Serial), "--out", "{tmp}", "--allow-network", "--rehearsal"},
			do: func(w *world) {
				folder := "rehearsal/usb/0001-founding"
				now := time.Now().UTC().Truncate(time.Second)
				if _, err := ledger.Append(w.path(folder+"/ledger.jsonl"), "", now, ledger.Entry{Compromise: &ledger.Compromise{Name: "key", Key: pin(w, "fulcio"), Since: now.Add(-time.Minute), Reason: "the key was copied"}}); err != nil {
					w.Fatal(err)
				}
				w.sums(folder)
			},
			check: func(w *world) {
				if made, _ := filepath.Glob(filepath.Join(w.tmp, "*founding*")); len(made) > 0 {
					w.Errorf("%s was made", made)
				}
			}},
		row{name: "a key that the ceremony does not use", do: stolen(func(*world) string { return fmt.Sprintf("%064x", 7) }), args: accept, code: 0, words: []string{"authorities/fulcio/g1/certificate.pem"}},
		row{name: "a holder's key", do: stolen(func(*world) string { return "holder:first" }), args: accept, code: 0, words: []string{"authorities/fulcio/g1/certificate.pem"}},
	)
	play(t, rows)
}

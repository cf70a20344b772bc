//go:build linux && cgo

package attacks

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/pki/ledger"
)

// rewrite writes the ledger anew, sums and chain redone, with the entries that
// change returns.
func rewrite(change func([]ledger.Entry) []ledger.Entry) func(*world) {
	return func(w *world) {
		path := w.path("ledger.jsonl")
		l, err := ledger.Read(path)
		if err != nil {
			w.Fatal(err)
		}
		entries := change(l.Entries())
		if err := os.Remove(path); err != nil {
			w.Fatal(err)
		}
		if err := ledger.Create(path, *entries[0].Created, entries[0].Time); err != nil {
			w.Fatal(err)
		}
		for _, e := range entries[1:] {
			if _, err := ledger.Append(path, "", e.Time, e); err != nil {
				w.Fatal(err)
			}
		}
	}
}

func withoutApps(entries []ledger.Entry) []ledger.Entry {
	return slices.DeleteFunc(entries, func(e ledger.Entry) bool { return e.App != nil })
}

func anotherTime(entries []ledger.Entry) []ledger.Entry {
	entries[0].Time = entries[0].Time.Add(-1e9)
	return entries
}

func anotherOrigin(entries []ledger.Entry) []ledger.Entry {
	for i, e := range entries {
		if e.Log != nil && e.Log.Name == "rekor" {
			log := *e.Log
			log.Origin = "rekor.example.net"
			entries[i].Log = &log
		}
	}
	return entries
}

// anotherSerial changes the serial number of a certificate.
func anotherSerial(entries []ledger.Entry) []ledger.Entry {
	for i, e := range entries {
		if e.Certificate != nil {
			c := *e.Certificate
			c.Serial = c.Serial[:len(c.Serial)-1] + map[bool]string{true: "1", false: "0"}[strings.HasSuffix(c.Serial, "0")]
			entries[i].Certificate = &c
		}
	}
	return entries
}

func cut(entries []ledger.Entry) []ledger.Entry { return entries[:2] }

func TestLedger(t *testing.T) {
	rows := []row{
		{
			name: "an entry changed, nothing else",
			do:   func(w *world) { w.replace("ledger.jsonl", "rekor.example.com", "rekor.example.net") },
			args: []string{"status"}, code: 5, words: []string{"ledger line 3", "restore the ledger from git"},
		},
		{
			name: "explained by ledger verify", do: rewrite(anotherTime), args: []string{"ledger", "verify"}, code: 5,
			words: []string{"ceremonies/", "request.json: no line of the ledger has the hash", "restore the ledger from version control"},
		},
		{
			name: "a branch's staged head", args: []string{"status"}, code: 5, words: []string{"staged/branch/targets/ledger-head.json", "trustroot ledger verify"},
			do: func(w *world) { w.write("staged/branch/targets/ledger-head.json", []byte(`{"head":"00"}`)) },
		},
		{
			name: "a head that is none", args: []string{"status"}, code: 5, words: []string{"staged/branch/targets/ledger-head.json"},
			do: func(w *world) { w.write("staged/branch/targets/ledger-head.json", []byte(`{"head":7}`)) },
		},
	}
	for name, change := range map[string]func([]ledger.Entry) []ledger.Entry{
		"an application dropped": withoutApps, "a time changed": anotherTime, "a log's origin changed": anotherOrigin, "lines cut off": cut, "serial numbers changed": anotherSerial,
	} {
		for _, args := range [][]string{
			{"status"}, {"trusted-root", "build"}, {"request", "create", "--ceremony", "founding", "--out", "{tmp}"}, {"kms", "export"}, {"kms", "csr"},
			{"tuf", "stage", "targets"}, {"tuf", "refresh"}, {"tuf", "sign", "staged/0001", "--serial", "32000002"}, {"tuf", "merge", "staged/0001"}, {"tuf", "publish", "staged/0001", "--rehearsal"}, {"ledger", "show"}, {"cutover", "fulcio", "--at", "2026-11-26T00:00:00Z"}, {"renew", "fulcio"},
		} {
			rows = append(rows, row{
				name: strings.Join(args[:min(2, len(args))], " ") + " after " + name, do: rewrite(change), args: args, code: 5,
				words: []string{"no line of the ledger has the hash", "trustroot ledger verify"},
				check: func(w *world) {
					if _, err := ledger.Read(w.path("ledger.jsonl")); err != nil {
						w.Error(err)
					}
				},
			})
		}
	}
	play(t, rows)
}

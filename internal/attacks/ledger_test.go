//go:build linux && cgo

package attacks

import "testing"

func TestLedger(t *testing.T) {
	play(t, []row{
		{
			name: "an entry changed, nothing else",
			do:   func(w *world) { w.replace("ledger.jsonl", "rekor.example.com", "rekor.example.net") },
			args: []string{"status"}, code: 5, words: []string{"ledger line 3", "restore the ledger from git"},
		},
	})
}

//go:build linux && cgo

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/needs"
	"github.com/linnemanlabs/trustroot/internal/rehearsal"
	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

// TestRehearse_LeavesNoSecret looks through everything that a whole rehearsal
// leaves and says: journal, record, request, ledger and both streams. The
// virtual tokens' own states are left out, for they are the tokens.
func TestRehearse_LeavesNoSecret(t *testing.T) {
	needs.Time(t)
	needs.That(t, virtual.Missing())
	out := filepath.Join(t.TempDir(), "r")
	said, err := exec.Command(program(t), "rehearse", "--out", out).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	texts := map[string][]byte{"output": said}
	err = filepath.WalkDir(out, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		texts[path], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var keys [][]byte
	for _, name := range []string{"token.json", "holder.json"} {
		token := filepath.Join(out, "rehearsal", name)
		var state struct{ Management struct{ Key []byte } }
		if err := json.Unmarshal(texts[token], &state); err != nil || len(state.Management.Key) != 24 {
			t.Fatalf("no management key in %s: %v", name, err)
		}
		delete(texts, token)
		key := state.Management.Key
		keys = append(keys, key, []byte(hex.EncodeToString(key)), []byte(base64.StdEncoding.EncodeToString(key)))
	}
	// digits alone stand in digests too; a PIN would stand by itself
	pins := regexp.MustCompile(`(^|[^0-9A-Za-z+/])(` + rehearsal.PIN + `|` + rehearsal.PUK + `)($|[^0-9A-Za-z+/=])`)
	journals := 0
	for name, text := range texts {
		if filepath.Base(name) == "journal.jsonl" {
			journals++
		}
		if pins.Match(text) {
			t.Errorf("%s holds the PIN or the PUK", name)
		}
		for _, key := range keys {
			if bytes.Contains(text, key) {
				t.Errorf("%s holds a management key", name)
			}
		}
	}
	if journals == 0 {
		t.Error("no journal was among the files")
	}
}

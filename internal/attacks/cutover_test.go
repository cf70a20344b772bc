//go:build linux && cgo

package attacks

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/needs"
)

// TestCutover_IsOfWhatIsPublished plays a renewal and takes its publication
// back: the newest generation is in the ledger, and in no place.
func TestCutover_IsOfWhatIsPublished(t *testing.T) {
	needs.Time(t)
	w := newWorld(t)
	for _, name := range []string{"tuf", "trust"} {
		if err := os.CopyFS(w.tmp+"/"+name, os.DirFS(w.path(name))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.kms.Close(); err != nil { // the rehearsal runs its own
		t.Fatal(err)
	}
	said, code := w.run(row{args: []string{"rehearse", "renew", "fulcio", "--out", "{dir}"}, within: 5 * time.Minute})
	if code != 0 {
		t.Fatalf("exit code %d\n%s", code, said)
	}
	w.startKMS()
	at := time.Now().UTC().Truncate(time.Second).Format(time.RFC3339)
	cutover := func(more ...string) []string { return append([]string{"cutover", "fulcio", "--at", at}, more...) }
	before := w.read("ledger.jsonl")
	// try runs a command that records nothing.
	try := func(what string, code int, word string, args ...string) {
		t.Helper()
		said, got := w.run(row{args: args})
		if got != code || !strings.Contains(said, word) {
			t.Errorf("%s: exit code %d, want %d with %q\n%s", what, got, code, word, said)
		}
		if !bytes.Equal(w.read("ledger.jsonl"), before) {
			t.Fatalf("%s: the ledger has changed", what)
		}
	}
	try("early", 5, "--urgent leaves out the wait", cutover()...)
	try("a reason that is none", 2, "--unpublished", cutover("--unpublished", "")...)
	back := func(names ...string) {
		t.Helper()
		for _, name := range names {
			if err := os.RemoveAll(w.path(name)); err != nil {
				t.Fatal(err)
			}
			if err := os.CopyFS(w.path(name), os.DirFS(w.tmp+"/"+name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	back("tuf")
	try("accepted, nothing published", 5, "publish it everywhere first", cutover()...)
	try("accepted, nothing published, urgent", 5, "publish it everywhere first", cutover("--urgent")...)
	back("trust")
	try("accepted without a build", 5, "has other bytes than ledger and plan make", "tuf", "stage", "targets")
	if said, code := w.run(row{args: cutover("--unpublished", "the old place is lost")}); code != 0 || !strings.Contains(said, "is not known to be published") {
		t.Fatalf("--unpublished: exit code %d\n%s", code, said)
	}
	if !strings.Contains(string(w.read("ledger.jsonl")), "the old place is lost") {
		t.Error("the ledger keeps no reason")
	}
	// stopped after its entry, the command is run again
	back("trust")
	before = w.read("ledger.jsonl")
	try("again", 0, "recorded already", cutover("--unpublished", "the old place is lost")...)
	if bytes.Equal(w.read(servedRoot), mustRead(t, w.tmp+"/"+servedRoot)) {
		t.Error("trust/ is not written anew")
	}
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

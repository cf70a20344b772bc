package tuf

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestStage_AgainFindsTheChange stages once where the command was stopped after
// its rename and is run again, and anew when something else is to be signed.
func TestStage_AgainFindsTheChange(t *testing.T) {
	w := newWorld(t)
	st := openDir(t, filepath.Join(t.TempDir(), "tuf"))
	s, err := StageInit(w.folder(), w.pol, w.targets, day0)
	w.must(err)
	w.publish(w.sign(s, "alice", "bob"), st, day0)
	folder := t.TempDir()
	stage := func(name string, now time.Time, renew bool) string {
		t.Helper()
		s, err := StageTargets(t.Context(), filepath.Join(folder, name), st, w.pol, w.targets, now, renew)
		w.must(err)
		return filepath.Base(s.Dir())
	}
	if got := stage("0002", day(1), true); got != "0002" {
		t.Fatal(got)
	}
	if got := stage("0003", day(1).Add(time.Minute), true); got != "0002" {
		t.Errorf("staged twice: %s", got)
	}
	if _, err := os.Stat(filepath.Join(folder, "0003")); !os.IsNotExist(err) {
		t.Errorf("a second folder: %v", err)
	}
	w.targets.Files["fulcio.crt.pem"] = []byte("next certificate\n")
	if got := stage("0003", day(1).Add(time.Minute), false); got != "0003" {
		t.Errorf("another change is taken for %s", got)
	}
	if got := stage("0004", day(4), false); got != "0004" {
		t.Errorf("a change of days ago stands for today's: %s", got)
	}
	// a signed one is found with its signatures
	signed, err := OpenStaged(filepath.Join(folder, "0004"))
	w.must(err)
	w.sign(signed, "alice", "bob")
	if got := stage("0005", day(4), false); got == "0005" {
		t.Error("the signed change is staged again")
	}
}

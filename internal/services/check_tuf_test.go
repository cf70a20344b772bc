package services

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/pki/trustedroot"
)

// remove takes a file out of the served repository.
func (w *site) remove(name string) error { return os.Remove(filepath.Join(w.repository, name)) }

// copyTUF makes tuf/ what is served now.
func (w *site) copyTUF() {
	w.t.Helper()
	entries, err := os.ReadDir(w.repository)
	w.must(err)
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".json") {
			data, err := os.ReadFile(filepath.Join(w.repository, e.Name()))
			w.must(err)
			w.put("tuf/"+e.Name(), data)
		}
	}
}

func TestCheck_RepositoryWentBack(t *testing.T) {
	w := newSite(t)
	w.publish()
	old, err := os.ReadFile(filepath.Join(w.repository, "timestamp.json"))
	w.must(err)
	w.head = "another head" // the trusted root stays: nothing but the versions tells
	w.publish()
	w.copyTUF()
	w.agrees()
	w.must(os.WriteFile(filepath.Join(w.repository, "timestamp.json"), old, 0o600))
	report := w.check()
	for _, role := range []string{"timestamp", "snapshot", "targets"} {
		if !hasFinding(report, "tuf", "went-back", "it serves version 1 of "+role+", and tuf/ has version 2") {
			t.Errorf("%s: %+v", role, report.Findings)
		}
	}
	if fault.ExitCode(report.Err()) != int(fault.Verification) {
		t.Errorf("exit code %d", fault.ExitCode(report.Err()))
	}
}

func TestCheck_DirectoryIsBehindTheRepository(t *testing.T) {
	w := newSite(t)
	w.publish()
	w.copyTUF()
	w.head = "another head"
	w.publish()
	w.agrees("directory-behind")
}

func TestCheck_TrustIsBehindTheLedger(t *testing.T) {
	w := newSite(t)
	w.renew()
	w.publish()
	w.rekor.key = w.keys["rekor"][1]
	stale := w.files[localTrustedRoot].Data
	w.cutover("rekor")
	w.put(localTrustedRoot, stale) // the cutover is recorded, nothing is built, all copies agree
	w.finds(Mismatch, "tuf", "not-built", "trust/.well-known/trusted_root.json is behind the ledger: it leaves generation 1 of rekor open")
	w.source.Plan.TUF, w.asked.Copies = nil, []string{filepath.Join(t.TempDir(), "copy.json")}
	w.must(os.WriteFile(w.asked.Copies[0], stale, 0o600))
	w.finds(Mismatch, w.asked.Copies[0], "not-built", "leaves generation 1 of rekor open")
	without, err := trustedroot.Without(stale, "$.tlogs[1]")
	w.must(err)
	w.put(localTrustedRoot, without)
	w.must(os.WriteFile(w.asked.Copies[0], without, 0o600))
	if report := w.check(); !hasFinding(report, w.asked.Copies[0], "not-built", "it lacks generation ") {
		t.Errorf("%+v", report.Findings)
	}
}

func TestCheck_PublicationThatCannotBeRead(t *testing.T) {
	w := newSite(t)
	w.publish()
	w.asked.Names = []string{"fulcio"}
	w.finds(Unanswered, "fulcio", "publication-unread", "whether verifiers have what it signs with is unknown")
	w.asked.Names = []string{"fulcio", "tuf"}
	w.agrees()
}

func TestCheck_NothingToAsk(t *testing.T) {
	w := newSite(t)
	w.source.Plan.Logs = nil
	w.source.Plan.Authorities = map[string]plan.Authority{"root": w.source.Plan.Authorities["root"]}
	if _, err := w.source.Check(t.Context(), w.asked); fault.ExitCode(err) != int(fault.Usage) {
		t.Errorf("nothing to ask passes: %v", err)
	}
}

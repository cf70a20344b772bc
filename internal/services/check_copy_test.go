package services

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/linnemanlabs/trustroot/pki/trustedroot"
)

func TestCheck_StaleRepository(t *testing.T) {
	w := newSite(t)
	w.publish()
	w.renew()
	report := w.check()
	var texts []string
	for _, f := range report.Findings {
		if f.Place == TUF && f.Severity == Mismatch {
			texts = append(texts, f.Text)
		}
	}
	all := strings.Join(texts, "\n")
	for _, want := range []string{"stale: lacks generation 2 of tsa", "stale: lacks generation 2 of fulcio", "stale: lacks generation 2 of rekor", "stale: lacks generation 2 of tesseract"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
	w.publish()
	w.agrees("newer-waits")
}

func TestCheck_DamagedRepository(t *testing.T) {
	w := newSite(t)
	w.publish()
	w.must(os.WriteFile(filepath.Join(w.repository, "1.targets.json"), []byte("{}"), 0o600))
	report := w.check()
	if len(report.Findings) == 0 || report.Findings[0].ID != "repository" || report.Answers[4].Verdict != Differs {
		t.Errorf("%+v", report)
	}
}

func TestCheck_RepositoryUnreachable(t *testing.T) {
	w := newSite(t)
	w.publish()
	w.asked.URLs = map[string]string{TUF: "http://tuf.example.com"}
	w.finds(Unanswered, TUF, "unreachable", "does not answer")
}

func TestCheck_Copies(t *testing.T) {
	w := newSite(t)
	old := w.files[localTrustedRoot].Data
	w.renew()
	folder := t.TempDir()
	good, stale := filepath.Join(folder, "good.json"), filepath.Join(folder, "stale.json")
	w.must(os.WriteFile(good, w.files[localTrustedRoot].Data, 0o600))
	w.must(os.WriteFile(stale, old, 0o600))
	w.hosts["fulcio.example.com"] = pathOr("/trusted_root.json", w.files[localTrustedRoot].Data, w.fulcio)
	w.asked.Copies = []string{good, "http://fulcio.example.com/trusted_root.json"}
	w.agrees("newer-waits")

	w.asked.Copies = append(w.asked.Copies, stale)
	report := w.check()
	if !hasFinding(report, stale, "stale", "stale: lacks generation 2 of tsa") || hasFinding(report, good, "stale", "") {
		t.Errorf("%+v", report.Findings)
	}
	w.cutover("rekor")
	w.rekor.key = w.keys["rekor"][1]
	report = w.check()
	if !hasFinding(report, stale, "stale", "leaves generation 1 of rekor open, which ends ") || !hasFinding(report, good, "stale", "leaves generation 1 of rekor open") {
		t.Errorf("%+v", report.Findings)
	}
}

func TestCheck_CopyThatSaysSomethingElse(t *testing.T) {
	w := newSite(t)
	folder := t.TempDir()
	garbage, newer := filepath.Join(folder, "garbage.json"), filepath.Join(folder, "newer.json")
	w.must(os.WriteFile(garbage, []byte("<html>"), 0o600))
	without, err := trustedroot.Without(w.files[localTrustedRoot].Data, "$.tlogs[0]")
	w.must(err)
	w.must(os.WriteFile(newer, w.files[localTrustedRoot].Data, 0o600))
	w.files[localTrustedRoot].Data = without
	w.asked.Copies = []string{garbage, newer, filepath.Join(folder, "nothing.json")}
	report := w.check()
	if !hasFinding(report, garbage, "bad-answer", "it is not a trusted_root.json") || !hasFinding(report, newer, "drift", "has generation 1 of rekor, which trust/.well-known/trusted_root.json does not have") ||
		!hasFinding(report, filepath.Join(folder, "nothing.json"), "unreadable", "no such file") {
		t.Errorf("%+v", report.Findings)
	}
}

func TestCheck_CopyThatIsAheadOfTheDirectory(t *testing.T) {
	w := newSite(t)
	w.renew()
	w.cutover("rekor")
	w.rekor.key = w.keys["rekor"][1]
	ahead := filepath.Join(t.TempDir(), "ahead.json")
	w.must(os.WriteFile(ahead, w.files[localTrustedRoot].Data, 0o600))
	w.source.State.Logs["rekor"][0].End = nil // this directory has not heard of it
	w.build()
	w.asked.Copies = []string{ahead}
	w.finds(Mismatch, ahead, "drift", "closes generation 1 of rekor, which trust/.well-known/trusted_root.json does not: it ends ")
}

// pathOr serves data at one path and hands the others on.
func pathOr(path string, data []byte, others http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == path {
			w.Write(data)
			return
		}
		others.ServeHTTP(w, r)
	})
}

func TestCheck_CopyThatIsAPipe(t *testing.T) {
	w := newSite(t)
	pipe := filepath.Join(t.TempDir(), "pipe")
	w.must(syscall.Mkfifo(pipe, 0o600))
	w.asked.Copies = []string{pipe}
	w.finds(Unanswered, pipe, "unreadable", "not a regular file")
}

func TestCheck_CopyOfAForm(t *testing.T) {
	w := newSite(t)
	w.files["trust/consumers/flux.yaml"] = &fstest.MapFile{Data: []byte("kind: Secret\n")}
	dir := t.TempDir()
	place := filepath.Join(dir, "flux.yaml")
	for content, drifts := range map[string]bool{"kind: Secret\n": false, "kind: Secret # of last year\n": true} {
		if err := os.WriteFile(place, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		w.asked.Copies = []string{place}
		report, err := w.source.Check(t.Context(), w.asked)
		if err != nil {
			t.Fatal(err)
		}
		if got := hasFinding(report, place, "drift", "is not the flux.yaml that ledger and plan render now"); got != drifts {
			t.Errorf("%q: %+v", content, report.Findings)
		}
	}
}

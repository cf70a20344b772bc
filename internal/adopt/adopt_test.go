package adopt_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/adopt"
	"github.com/linnemanlabs/trustroot/internal/renewal"
	"github.com/linnemanlabs/trustroot/internal/status"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/finding"
	"github.com/linnemanlabs/trustroot/pki/trustedroot"
	"github.com/linnemanlabs/trustroot/pki/trustedroot/judge"
)

func TestAdopt_AsksForWhatNoFileTells(t *testing.T) {
	h := newHandMade(t)
	a, err := adopt.Adopt(adopt.Options{Paths: []string{h.dir}, TrustedRoot: h.trustedRoot}, adopting)
	if err != nil {
		t.Fatal(err)
	}
	var asked []string
	for _, q := range a.Questions {
		asked = append(asked, q.ID+" "+q.Default+" "+q.Text)
		if q.Wrong == "" || q.Form == "" {
			t.Errorf("%s does not say what a wrong answer does, or what to write", q.ID)
		}
	}
	for _, want := range []string{
		"missing." + h.missing, "root-key", "cutovers as published", "fulcio g1 until 2026-05-24T18:41:03Z", "keys unknown",
	} {
		if !strings.Contains(strings.Join(asked, "\n"), want) {
			t.Errorf("nothing asks for %q in\n%s", want, strings.Join(asked, "\n"))
		}
	}
	if len(asked) != 4 {
		t.Errorf("%d questions:\n%s", len(asked), strings.Join(asked, "\n"))
	}
	if err := a.Write(filepath.Join(t.TempDir(), "new"), true); err == nil {
		t.Error("a directory was written while questions are open")
	}
}

func TestAdopt_ExplainsEveryDefect(t *testing.T) {
	h := newHandMade(t)
	a, err := adopt.Adopt(h.answers(), adopting)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, d := range a.Defects {
		seen[d.ID]++
		if d.Text == "" || d.Repair == "" || d.Place == "" {
			t.Errorf("a defect without words: %+v", d)
		}
	}
	for _, id := range []string{"unknown-field", "serial-sequential", "fulcio-eku-critical", "name-constraints-leading-dot", "ca-any-purpose"} {
		if seen[id] == 0 {
			t.Errorf("no defect %s in %v", id, seen)
		}
	}
	if seen["not-reproducible"] > 0 {
		t.Errorf("the plan does not give the certificates again: %+v", a.Defects)
	}
	if !strings.Contains(string(a.Plan), "common_name: LinnemanLabs Fulcio CA") {
		t.Errorf("the plan is\n%s", a.Plan)
	}
}

func TestAdopt_EverythingLaterWorks(t *testing.T) {
	h := newHandMade(t)
	old, err := os.ReadFile(h.trustedRoot)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := judge.Check(old); err == nil {
		t.Fatal("strict parsers accept the hand-made file: this test proves nothing")
	}
	dir := filepath.Join(t.TempDir(), "trust")
	d := h.adopt(t, dir)

	// the ledger verifies, with every serial and every window
	if err := d.Ledger.VerifyFiles(d.FS()); err != nil {
		t.Error(err)
	}
	if d.State.Serials[h.missing] == "" {
		t.Errorf("serial %s could be used again", h.missing)
	}
	for name, generations := range map[string]int{"root": 1, "spire": 1, "fulcio": 2, "tsa": 2} {
		if n := len(d.State.Authorities[name]); n != generations {
			t.Errorf("%s has %d generations, want %d", name, n, generations)
		}
	}
	if end := d.State.Authorities["fulcio"][0].End; end == nil || !end.Equal(switched) {
		t.Errorf("the first Fulcio CA's window ends %v", end)
	}

	// the rebuilt file is accepted by strict parsers, without an error
	built, err := os.ReadFile(filepath.Join(dir, "trust/.well-known/trusted_root.json"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := judge.Check(built); err != nil {
		t.Error(err)
	}
	findings, err := trustedroot.Lint(built, trustedroot.LintOptions{Judge: judge.SigstoreGo{}, At: adopting})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		if f.Severity == finding.Error {
			t.Error(f)
		}
	}

	// renew, cutover and status work as if it had been made here
	r, err := renewal.Renew(d, renewal.Options{Names: []string{"fulcio", "tsa"}, NewKey: true, Ceremony: "renewal", Day: secondDay.AddDate(2, 0, 0).Truncate(24 * time.Hour), Token: 12345678})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range r.Renewals {
		if n.Summary != "only key, serial and dates differ" || n.Generation != 3 || n.Overlap.Days() < 300 {
			t.Errorf("%s: %s, %+v", n.Name, n.Summary, n.Diff)
		}
	}
	if err := renewal.WritePlan(d, r.Plan); err != nil {
		t.Error(err)
	}
	if _, err := trustdir.Open(dir); err != nil {
		t.Error(err)
	}
	s, err := status.Read(d, t.Context(), adopting)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Warnings) > 0 || len(s.Due(90*24*time.Hour)) > 0 {
		t.Errorf("status is %+v", s)
	}
}

func (h *handMade) adopt(t *testing.T, dir string) *trustdir.Dir {
	t.Helper()
	a, err := adopt.Adopt(h.answers(), adopting)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Write(dir, false); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Fatal("a trial wrote the directory")
	}
	if err := a.Write(dir, true); err != nil {
		t.Fatal(err)
	}
	d, err := trustdir.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAdopt_ListsTheDifferencesWithTheirReasons(t *testing.T) {
	h := newHandMade(t)
	a, err := adopt.Adopt(h.answers(), adopting)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Write(filepath.Join(t.TempDir(), "trust"), false); err != nil {
		t.Fatal(err)
	}
	moved, ended := 0, 0
	for _, c := range a.Changes {
		switch {
		case c.Reason == "" || c.Path == "":
			t.Errorf("a change without reason: %+v", c)
		case strings.HasSuffix(c.Path, ".subject") && strings.Contains(c.Text, "is O=linnemanlabs.com, CN=LinnemanLabs Root CA"):
		case c.Text == "moves into publicKey":
			moved++
		case strings.Contains(c.Text, "its window ends 2026-05-25T02:30:00Z, in the file in use 2026-05-24"):
			ended++
		default:
			t.Errorf("unexpected: %+v", c)
		}
	}
	if moved != 4 || ended != 4 {
		t.Errorf("%d windows moved and %d ended later, want four of each: %+v", moved, ended, a.Changes)
	}
}

func TestAdopt_Refusals(t *testing.T) {
	h := newHandMade(t)
	if _, err := adopt.Adopt(adopt.Options{Paths: []string{filepath.Join(h.dir, "old")}}, adopting); err == nil || !strings.Contains(err.Error(), "the certificate of its issuer") {
		t.Errorf("without the root: %v", err)
	}
	key := filepath.Join(h.dir, "root.key")
	if err := os.WriteFile(key, []byte("-----BEGIN EC PRIVATE KEY-----\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := adopt.Adopt(h.answers(), adopting); err == nil || !strings.Contains(err.Error(), "holds a private key") {
		t.Errorf("with a private key: %v", err)
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	early := h.answers()
	early.Answers["cutover.fulcio.2"] = firstDay.Format(time.RFC3339)
	if _, err := adopt.Adopt(early, adopting); err == nil || !strings.Contains(err.Error(), "is before generation 2 begins") {
		t.Errorf("with a cutover before the new generation: %v", err)
	}
	odd := h.answers()
	odd.Answers["cutovre.fulcio.2"] = "open"
	a, err := adopt.Adopt(odd, adopting)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Write(filepath.Join(t.TempDir(), "trust"), true); err == nil || !strings.Contains(err.Error(), "no question has this name") {
		t.Errorf("with an answer that nothing asks for: %v", err)
	}
}

// A hierarchy whose logs come later is adopted without them.
func TestAdopt_CertificatesAlone(t *testing.T) {
	h := newHandMade(t)
	o := h.answers()
	if err := os.Remove(o.TrustedRoot); err != nil {
		t.Fatal(err)
	}
	o.TrustedRoot = ""
	o.Answers["url.fulcio"], o.Answers["url.tsa"] = "https://FULCIO.linnemanlabs.com/", "https://tsa.linnemanlabs.com/api/v1/timestamp"
	a, err := adopt.Adopt(o, adopting)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "trust")
	if err := a.Write(dir, true); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(a.Found, "\n"), "not built yet: there is no Rekor log, CT log") {
		t.Errorf("found is %v", a.Found)
	}
	if _, err := trustdir.Open(dir); err != nil {
		t.Error(err)
	}
}

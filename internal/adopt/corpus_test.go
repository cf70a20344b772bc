package adopt_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/adopt"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/trustedroot"
)

// corpusDay is the day on which the files of others are adopted.
var corpusDay = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// corpus copies a folder of files that others made.
func corpus(t *testing.T, folder ...string) string {
	t.Helper()
	dir := os.Getenv("TRUSTROOT_CORPUS")
	if dir == "" {
		t.Skip("TRUSTROOT_CORPUS names no folder of others' files: nothing to adopt")
	}
	to := filepath.Join(t.TempDir(), "files")
	if err := os.CopyFS(to, os.DirFS(filepath.Join(append([]string{dir}, folder...)...))); err != nil {
		t.Fatal(err)
	}
	return to
}

// answerAll answers every question with its default, or with the given answer.
func answerAll(t *testing.T, o adopt.Options, given map[string]string, dir string) (*adopt.Adoption, int, error) {
	t.Helper()
	o.Answers, o.By = map[string]string{}, "alice"
	for asked := 0; asked < 50; asked++ {
		a, err := adopt.Adopt(o, corpusDay)
		if err == nil && len(a.Questions) == 0 {
			err = a.Write(dir, false)
		}
		if err != nil || len(a.Questions) == 0 {
			return a, asked, err
		}
		q := a.Questions[0]
		answer := q.Default
		for prefix, value := range given {
			if strings.HasPrefix(q.ID, prefix) {
				answer = value
			}
		}
		if answer == "" {
			t.Fatalf("nobody answers %s: %s", q.ID, q.Text)
		}
		o.Answers[q.ID] = answer
	}
	t.Fatal("questions without end")
	return nil, 0, nil
}

// Every hierarchy that was once refused with a wrong reason is adopted, or
// refused with the true one.
func TestAdopt_HierarchiesThatFailed(t *testing.T) {
	given := map[string]string{
		"root-key": "always,never", "url.fulcio": "https://fulcio.example.com/", "url.tsa": "https://tsa.example.com/api/v1/timestamp",
	}
	for name, want := range map[string]string{
		"name-country":              "",
		"name-ou":                   "",
		"serials-per-issuer":        "",
		"name-mismatch":             "writes its issuer's name in other string types",
		"tsa-ca-without-eku":        "lacks the extended key usage timeStamping: Sigstore's timestamp authority does not start",
		"tsa-leaf-eku-not-critical": "its extended key usage is not critical (RFC 3161 2.3)",
	} {
		t.Run(name, func(t *testing.T) {
			files := corpus(t, "cases", "adopt", name)
			dir := filepath.Join(t.TempDir(), "trust")
			a, _, err := answerAll(t, adopt.Options{Paths: []string{files}}, given, dir)
			if want != "" {
				if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "pki.yaml") {
					t.Errorf("%v, want %q", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := a.Write(dir, true); err != nil {
				t.Fatal(err)
			}
			d, err := trustdir.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Ledger.VerifyFiles(d.FS()); err != nil {
				t.Error(err)
			}
			for _, defect := range a.Defects {
				if defect.ID == "not-reproducible" && (strings.Contains(defect.Text, "subject") || strings.Contains(defect.Text, "serial")) {
					t.Errorf("the plan does not give a name or a serial again: %s", defect)
				}
			}
		})
	}
}

// The first user's files: from nothing to a directory whose trusted root is the
// published one but for agreed repairs.
func TestAdopt_FirstUsersFiles(t *testing.T) {
	files := corpus(t, "data", "linnemanlabs")
	dir := filepath.Join(t.TempDir(), "trust")
	a, asked, err := answerAll(t, adopt.Options{Paths: []string{files}}, map[string]string{"root-key": "always,never"}, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d questions, no flag", asked)
	if asked > 8 {
		t.Errorf("%d questions", asked)
	}
	if err := a.Write(dir, true); err != nil {
		t.Fatal(err)
	}
	d, err := trustdir.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	built, err := fs.ReadFile(d.FS(), trustdir.TrustedRootFile)
	if err != nil {
		t.Fatal(err)
	}
	published, err := os.ReadFile(filepath.Join(files, "trusted_root.e8ba740.json"))
	if err != nil {
		t.Fatal(err)
	}
	changes, err := trustedroot.Diff(published, built)
	if err != nil {
		t.Error(err)
	}
	for _, c := range changes {
		if c.Kind != trustedroot.Repaired {
			t.Errorf("more than a repair: %s", c)
		}
	}
	for _, name := range []string{"root-ca.crt", "fulcio-ca.crt", "rekor-checkpoint.pub"} {
		if _, err := fs.Stat(d.FS(), "trust/"+name); err != nil {
			t.Errorf("the published name %s is gone: %v", name, err)
		}
	}
	if d.Plan.Signing == nil || d.Plan.Signing.Rekor.Selector != "ALL" {
		t.Errorf("the published selector is lost: %+v", d.Plan.Signing)
	}
	sources := map[string]int{}
	for _, e := range d.Ledger.Entries() {
		sources[e.Source]++
		if e.Source == ledger.Told && e.By != "alice" {
			t.Errorf("line %d was told by nobody", e.Seq)
		}
	}
	if sources[ledger.Observed] == 0 || sources[ledger.Published] == 0 || sources[ledger.Told] == 0 {
		t.Errorf("sources are %v", maps.Collect(maps.All(sources)))
	}
}

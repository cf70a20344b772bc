package trustedroot

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/pki/finding"
	"github.com/linnemanlabs/trustroot/pki/trustedroot/judge"
)

// corpusDay is the instant at which the files of the corpus are judged.
var corpusDay = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// corpus returns a folder of files that others published, which are not part of
// the tree.
func corpus(t *testing.T, folder ...string) string {
	t.Helper()
	dir := os.Getenv("TRUSTROOT_CORPUS")
	if dir == "" {
		t.Skip("TRUSTROOT_CORPUS names no folder of published files: nothing to judge")
	}
	return filepath.Join(append([]string{dir}, folder...)...)
}

func lintFile(t *testing.T, path string, at time.Time) []finding.Finding {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lint := Lint
	if strings.HasPrefix(filepath.Base(path), "signing-config") {
		lint = LintSigningConfig
	}
	findings, err := lint(data, LintOptions{Judge: judge.SigstoreGo{}, At: at})
	if err != nil {
		t.Fatal(err)
	}
	return findings
}

func errorsOf(findings []finding.Finding) []finding.Finding {
	return slices.DeleteFunc(slices.Clone(findings), func(f finding.Finding) bool { return f.Severity != Error })
}

// What sigstore-go refuses is an error that says so; of what it accepts, every
// error stands in the expectations with the client that suffers, which the
// tables of broken files have seen suffer; and nothing stands there in vain.
func TestLint_RealFiles(t *testing.T) {
	dir := corpus(t, "data", "trusted-roots")
	verdicts := tsv(t, filepath.Join(dir, "VERDICTS.tsv"))
	if len(verdicts) < 50 {
		t.Fatalf("only %d real files", len(verdicts))
	}
	expected := map[string]string{}
	for _, row := range tsv(t, filepath.Join("testdata", "real-files.tsv")) {
		expected[row[0]+" "+row[1]+" "+row[2]] = row[3]
	}
	for _, row := range verdicts {
		file, refused := row[0], row[1] == "refuses"
		findings := errorsOf(lintFile(t, filepath.Join(dir, file), corpusDay))
		said := slices.ContainsFunc(findings, func(f finding.Finding) bool { return claim(f, SigstoreGo) == Refuses })
		if refused != said {
			t.Errorf("%s: sigstore-go %s it, the findings are %v", file, row[1], findings)
		}
		for _, f := range findings {
			if claim(f, SigstoreGo) == Refuses {
				continue
			}
			key := fmt.Sprintf("%s %s %s", file, f.ID, f.Place)
			client, ok := expected[key]
			switch suffers := claim(f, client); {
			case !ok:
				t.Errorf("no line in the expectations: %s\t%s\t%s: %s", file, f.ID, f.Place, f)
			case suffers != Rejects && suffers != Misreads && suffers != CannotSign && suffers != Panics:
				t.Errorf("%s: the expectations name %s, of which the finding says %q", key, client, suffers)
			}
			delete(expected, key)
		}
	}
	for key := range expected {
		t.Errorf("nothing has this finding any more: %s", key)
	}
}

func tsv(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	r := csv.NewReader(f)
	r.Comma, r.FieldsPerRecord, r.LazyQuotes = '\t', -1, true
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

// The files of the first user: the one of today has no error, the one that put
// validFor on the log has that, twice, and first.
func TestLint_FirstUsersFiles(t *testing.T) {
	dir := corpus(t, "data", "linnemanlabs")
	if bad := errorsOf(lintFile(t, filepath.Join(dir, "trusted_root.e8ba740.json"), corpusDay)); len(bad) > 0 {
		t.Errorf("the file of today has errors: %v", bad)
	}
	findings := lintFile(t, filepath.Join(dir, "trusted_root.176e3f2.json"), corpusDay)
	var got []string
	for _, f := range findings[:min(2, len(findings))] {
		got = append(got, fmt.Sprintf("%s %s %s", f.Severity, f.ID, f.Place))
	}
	want := []string{"error unknown-field $.ctlogs[0].validFor", "error unknown-field $.tlogs[0].validFor"}
	if !slices.Equal(got, want) || len(errorsOf(findings)) != 2 {
		t.Errorf("findings begin with %v, want %v and no other error: %v", got, want, findings)
	}
	seen := map[string]bool{}
	for _, f := range findings {
		if key := f.ID + f.Text + f.Repair; f.Severity != Error && seen[key] {
			t.Errorf("one cause twice: %s", f)
		} else {
			seen[key] = true
		}
	}
}

func TestLint_CaseFiles(t *testing.T) {
	dir := corpus(t, "cases")
	for file, want := range map[string]string{
		"lint-chains/e-good.json":              "",
		"lint-chains/a-no-certsign.json":       "key-usage",
		"lint-chains/c-noroot.json":            "chain-incomplete",
		"lint-chains/f-any-eku.json":           "fulcio-eku",
		"lint-chains/g2.json":                  "window-after-certificate",
		"ed25519-log-id/c1-ed-origin.json":     "",
		"ed25519-log-id/c2-ed-spki.json":       "key-id",
		"ed25519-log-id/c3-p256-origin.json":   "key-id",
		"ed25519-log-id/c4-ct-statichash.json": "key-id",
		"client-trust-config/ctc.json":         "",
		"client-trust-config/one.jsonl":        "",
		"client-trust-config/two.jsonl":        "",
	} {
		findings := lintFile(t, filepath.Join(dir, filepath.FromSlash(file)), corpusDay)
		var ids []string
		for _, f := range errorsOf(findings) {
			ids = append(ids, f.ID)
		}
		if got := strings.Join(slices.Compact(ids), " "); got != want {
			t.Errorf("%s: errors %q, want %q: %v", file, got, want, findings)
		}
	}
}

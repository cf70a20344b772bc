package trustedroot

import (
	"slices"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/pki/finding"
	"github.com/linnemanlabs/trustroot/pki/trustedroot/judge"
)

// Whatever the bytes, lint does not crash, and what sigstore-go refuses never
// passes without a finding of severity Error.
func FuzzLint(f *testing.F) {
	w := newWorld(f, 2)
	f.Add(w.build(f))
	f.Add([]byte(`{"mediaType":"` + MediaType + `"}`))
	pair := w.signingConfig(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		findings, err := Lint(data, LintOptions{Judge: judge.SigstoreGo{}, At: before, Pair: pair})
		if err != nil {
			if len(data) <= maxDocument {
				t.Fatal(err)
			}
			return
		}
		_, refused := judge.Check(data)
		mustTell(t, findings, refused)
		view, err := Show(data, before)
		if (err == nil) != (refused == nil) {
			t.Fatalf("check says %v, show says %v", refused, err)
		}
		if err == nil {
			_, _ = view.Text(100), view.SVG()
			if changes, err := Diff(data, data); err != nil || len(changes) != 0 {
				t.Fatalf("a file differs from itself: %v, %v", changes, err)
			}
		}
	})
}

// The same for signing configs.
func FuzzLintSigningConfig(f *testing.F) {
	w := newWorld(f, 1)
	f.Add(w.signingConfig(f))
	f.Add([]byte(`{"mediaType":"` + SigningConfigMediaType + `"}`))
	pair := w.build(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		findings, err := LintSigningConfig(data, LintOptions{Judge: judge.SigstoreGo{}, At: time.Unix(0, 0), Pair: pair})
		if err != nil {
			return
		}
		_, refused := judge.CheckSigningConfig(data)
		mustTell(t, findings, refused)
	})
}

func mustTell(t *testing.T, findings []finding.Finding, refused error) {
	t.Helper()
	if refused != nil && !slices.ContainsFunc(findings, func(f finding.Finding) bool { return f.Severity == Error }) {
		t.Fatalf("sigstore-go refuses it (%v), lint has no error", refused)
	}
	for _, f := range findings {
		if f.Line < 1 || f.Text == "" || f.Repair == "" || len(f.Clients) == 0 {
			t.Fatalf("incomplete finding %+v", f)
		}
	}
}

// Whatever the bytes, a bundle is verified or refused, never a crash.
func FuzzCheckBundles(f *testing.F) {
	w := newWorld(f, 1)
	data := w.build(f)
	f.Add([]byte(`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"certificate":{"rawBytes":"AA=="},"tlogEntries":[{"logId":{"keyId":"AA=="}}]},"messageSignature":{"messageDigest":{"algorithm":"SHA2_256","digest":"AA=="},"signature":"AA=="}}`))
	f.Fuzz(func(t *testing.T, bundle []byte) {
		coverage, err := judge.CheckBundles(data, judge.Bundle{Name: "fuzz", Data: bundle})
		if (err == nil) != (coverage.Bundles[0].Error == "") {
			t.Fatalf("error %v beside result %+v", err, coverage.Bundles[0])
		}
	})
}

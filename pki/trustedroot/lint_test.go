package trustedroot

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/sigstore/sigstore-go/pkg/bundle"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

func TestLint_GoodFileHasNoFinding(t *testing.T) {
	for _, generations := range []int{1, 2} {
		w := newWorld(t, generations)
		sc, err := BuildSigningConfig(w.plan, w.state)
		if err != nil {
			t.Fatal(err)
		}
		findings, err := Lint(w.build(t), LintOptions{At: before, Pair: sc})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range findings {
			t.Errorf("%d generations: %s", generations, f)
		}
	}
}

// observe returns what sigstore-go does with a file: whether it loads it, and
// whether it then verifies what the services signed before, during and after
// their renewal.
func observe(t *testing.T, data []byte, w *world) (Effect, string) {
	t.Helper()
	tr, err := Check(data)
	if err != nil {
		return Refuses, err.Error()
	}
	var failed []string
	for _, b := range []Bundle{w.sign(t, "before", 1, before), w.sign(t, "during", 1, dayTwo.AddDate(0, 0, 14)), w.sign(t, "after", 2, after)} {
		entity := &bundle.Bundle{}
		if err := entity.UnmarshalJSON(b.Data); err != nil {
			t.Fatal(err)
		}
		if err := verifyBundle(tr, entity); err != nil {
			failed = append(failed, fmt.Sprintf("%s: %v", b.Name, err))
		}
	}
	if len(failed) > 0 {
		return Rejects, strings.Join(failed, "; ")
	}
	return Accepts, ""
}

// agrees reports whether a claim about a client is what was observed. Reading
// wrongly, accepting and not being affected all look like success.
func agrees(claimed, observed Effect) bool {
	switch claimed {
	case Misreads, Accepts, Unaffected:
		return observed == Accepts
	default:
		return claimed == observed
	}
}

// claim returns what a finding says of a client.
func (f Finding) claim(client string) Effect {
	for _, ce := range f.Effects {
		if ce.Client == client {
			return ce.Effect
		}
	}
	return Unaffected
}

func TestLint_BrokenFiles(t *testing.T) {
	all := slices.Concat(brokenShapes(), brokenLogs(), brokenChains(), brokenProfiles())
	if len(all) < 40 {
		t.Fatalf("only %d broken files", len(all))
	}
	var table strings.Builder
	tw := tabwriter.NewWriter(&table, 0, 8, 2, ' ', 0)
	row := func(format string, args ...any) {
		if _, err := fmt.Fprintf(tw, format, args...); err != nil {
			t.Fatal(err)
		}
	}
	row("defect\tfinding\tseverity\tsigstore-go\twhy\n")
	for _, b := range all {
		t.Run(b.name, func(t *testing.T) {
			data, w := b.make(t)
			findings, err := Lint(data, LintOptions{At: b.at})
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(findings, func(f Finding) bool { return f.ID == b.id && f.Path == b.path })
			if i < 0 {
				t.Fatalf("no finding %s at %s among %v", b.id, b.path, findings)
			}
			f := findings[i]
			if f.Line < 1 || f.Text == "" || f.Repair == "" || f.Effect == "" || len(f.Clients) == 0 {
				t.Errorf("finding is incomplete: %+v", f)
			}
			observed, why := observe(t, data, w)
			if claimed := strongest(findings); !agrees(claimed, observed) {
				t.Errorf("the findings say that sigstore-go %s; it %s (%s)\n%v", claimed, observed, why, findings)
			}
			if len(why) > 90 {
				why = why[:90] + "…"
			}
			row("%s\t%s\t%s\t%s\t%s\n", b.name, f.ID, f.Severity, observed, strings.ReplaceAll(why, "\n", " "))
		})
	}
	if err := tw.Flush(); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", table.String())
}

// strongest returns the loudest of what findings say of sigstore-go.
func strongest(findings []Finding) Effect {
	for _, e := range []Effect{Refuses, Panics, Rejects, CannotSign, Misreads, Accepts} {
		if slices.ContainsFunc(findings, func(f Finding) bool { return f.claim(SigstoreGo) == e }) {
			return e
		}
	}
	return Unaffected
}

func TestLint_LineOfFinding(t *testing.T) {
	data := []byte("{\n \"mediaType\": \"" + MediaType + "\",\n \"tlogs\": [{\n  \"baseUrl\": \"https://rekor.example.org\",\n  \"validFor\": {}\n }]\n}\n")
	findings, err := Lint(data, LintOptions{})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(findings, func(f Finding) bool { return f.ID == "unknown-field" })
	if i < 0 || findings[i].Line != 5 || findings[i].Path != "$.tlogs[0].validFor" {
		t.Fatalf("findings are %v", findings)
	}
	if want := "Move it to publicKey.validFor"; findings[i].Repair != want {
		t.Errorf("repair is %q, want %q", findings[i].Repair, want)
	}
}

func TestLint_ClientsLimitFindings(t *testing.T) {
	b := brokenProfiles()[0]
	data, _ := b.make(t)
	python, err := Lint(data, LintOptions{Clients: []string{SigstorePython}})
	if err != nil {
		t.Fatal(err)
	}
	cosign, err := Lint(data, LintOptions{Clients: []string{Cosign}})
	if err != nil {
		t.Fatal(err)
	}
	if len(python) != 1 || len(cosign) != 0 {
		t.Errorf("a critical EKU: %v for python, %v for cosign", python, cosign)
	}
	if _, err := Lint(data, LintOptions{Clients: []string{"notation"}}); fault.ExitCode(err) != int(fault.Usage) {
		t.Errorf("unknown client: %v", err)
	}
}

func TestLint_IncludedPublicInstanceIsNoLeftover(t *testing.T) {
	own, public := newWorld(t, 1), newWorldOf(t, "sigstore.dev", 1)
	data, err := BuildWith(own.plan, own.state, own.files, [][]byte{public.build(t)})
	if err != nil {
		t.Fatal(err)
	}
	findings, err := Lint(data, LintOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(findings) != 0 {
		t.Errorf("findings: %v", findings)
	}
}

func TestWorst_OnlyErrorsFail(t *testing.T) {
	if err := Worst([]Finding{{Severity: Warning}, {Severity: Info}}); err != nil {
		t.Errorf("warnings fail: %v", err)
	}
	err := Worst([]Finding{{Severity: Error, ID: "gap", Path: "$.tlogs[0]"}})
	if fault.ExitCode(err) != int(fault.Verification) || !strings.Contains(err.Error(), "gap") {
		t.Errorf("error is %v", err)
	}
}

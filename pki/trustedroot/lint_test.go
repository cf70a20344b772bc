package trustedroot

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/needs"
	"github.com/linnemanlabs/trustroot/pki/finding"
	"github.com/linnemanlabs/trustroot/pki/trustedroot/judge"
)

func TestLint_GoodFileHasNoFinding(t *testing.T) {
	for _, generations := range []int{1, 2} {
		w := newWorld(t, generations)
		sc, err := BuildSigningConfig(w.plan, w.state)
		if err != nil {
			t.Fatal(err)
		}
		findings, err := Lint(w.build(t), LintOptions{Judge: judge.SigstoreGo{}, At: before, Pair: sc})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range findings {
			if f.Severity != Info {
				t.Errorf("%d generations: %s", generations, f)
			}
		}
	}
}

// Each file has the finding that its defect asks for, and what findings say of
// sigstore-go and of sigstore-js is what these do.
func TestLint_BrokenFiles(t *testing.T) {
	needs.Time(t)
	all := slices.Concat(brokenShapes(), brokenLogs(), brokenChains(), brokenProfiles())
	if len(all) < 40 {
		t.Fatalf("only %d broken files", len(all))
	}
	samples := map[string]sample{}
	for i, b := range all {
		data, w := b.make(t)
		samples[fmt.Sprintf("%02d", i)] = sample{data, w.bundles(t)}
	}
	w := newWorld(t, 2)
	samples["good"] = sample{w.build(t), w.bundles(t)}
	js := askJS(t, samples)
	if js == nil {
		t.Log("sigstore-js is not installed (scripts/clients-conformance installs it): what findings say of it was not observed")
	} else if v := js["good"]; v.effect != Accepts {
		t.Errorf("sigstore-js and the good file: %v", v)
	}
	var table strings.Builder
	tw := tabwriter.NewWriter(&table, 0, 8, 2, ' ', 0)
	fmt.Fprint(tw, "defect\tfinding\tseverity\tsigstore-go\tsigstore-js\n")
	for i, b := range all {
		t.Run(b.name, func(t *testing.T) {
			name := fmt.Sprintf("%02d", i)
			findings, err := Lint(samples[name].data, LintOptions{Judge: judge.SigstoreGo{}, At: b.at})
			if err != nil {
				t.Fatal(err)
			}
			at := slices.IndexFunc(findings, func(f finding.Finding) bool { return f.ID == b.id && f.Place == b.path })
			if at < 0 {
				t.Fatalf("no finding %s at %s among %v", b.id, b.path, findings)
			}
			f := findings[at]
			if f.Line < 1 || f.Text == "" || f.Repair == "" || f.Effects() == "" || len(f.Clients) == 0 {
				t.Errorf("finding is incomplete: %+v", f)
			}
			seen := map[string]verdict{SigstoreGo: askGo(t, samples[name].data, samples[name].bundles)}
			if js != nil {
				seen[SigstoreJS] = js[name]
			}
			for client, v := range seen {
				if claimed := strongest(findings, client); !agrees(claimed, v.effect) {
					t.Errorf("the findings say that %s %s; it %s (%s)\n%v", client, claimed, v.effect, v.why, findings)
				}
			}
			fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\n", b.name, f.ID, f.Severity, seen[SigstoreGo].column(), seen[SigstoreJS].column())
		})
	}
	if err := tw.Flush(); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", table.String())
}

// column is a verdict in a table.
func (v verdict) column() string {
	if v.effect == "" {
		return "not installed"
	}
	verb, _, _ := strings.Cut(string(v.effect), " ")
	why := strings.TrimPrefix(strings.ReplaceAll(v.why, "\n", " "), "sigstore-go refuses it: ")
	if r := []rune(why); len(r) > 60 {
		why = string(r[:60]) + "…"
	}
	return strings.TrimSuffix(verb+": "+why, ": ")
}

func TestLint_LineOfFinding(t *testing.T) {
	data := []byte("{\n \"mediaType\": \"" + MediaType + "\",\n \"tlogs\": [{\n  \"baseUrl\": \"https://rekor.example.org\",\n  \"validFor\": {}\n }]\n}\n")
	findings, err := Lint(data, LintOptions{Judge: judge.SigstoreGo{}})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(findings, func(f finding.Finding) bool { return f.ID == "unknown-field" })
	if i < 0 || findings[i].Line != 5 || findings[i].Place != "$.tlogs[0].validFor" {
		t.Fatalf("findings are %v", findings)
	}
	if want := "Move it to publicKey.validFor"; findings[i].Repair != want {
		t.Errorf("repair is %q, want %q", findings[i].Repair, want)
	}
}

func TestLint_ClientsLimitFindings(t *testing.T) {
	b := brokenProfiles()[0]
	data, _ := b.make(t)
	python, err := Lint(data, LintOptions{Judge: judge.SigstoreGo{}, Clients: []string{SigstorePython}})
	if err != nil {
		t.Fatal(err)
	}
	cosign, err := Lint(data, LintOptions{Judge: judge.SigstoreGo{}, Clients: []string{Cosign}})
	if err != nil {
		t.Fatal(err)
	}
	if len(python) != 1 || len(cosign) != 0 {
		t.Errorf("a critical EKU: %v for python, %v for cosign", python, cosign)
	}
	if _, err := Lint(data, LintOptions{Judge: judge.SigstoreGo{}, Clients: []string{"notation"}}); fault.ExitCode(err) != int(fault.Usage) {
		t.Errorf("unknown client: %v", err)
	}
}

func TestLint_IncludedPublicInstanceIsNoLeftover(t *testing.T) {
	own, public := newWorld(t, 1), newWorldOf(t, "sigstore.dev", 1)
	data, err := Build(own.plan, own.state, own.files, public.build(t))
	if err != nil {
		t.Fatal(err)
	}
	findings, err := Lint(data, LintOptions{Judge: judge.SigstoreGo{}})
	if err != nil {
		t.Fatal(err)
	}
	if len(findings) != 0 {
		t.Errorf("findings: %v", findings)
	}
}

func TestWorst_OnlyErrorsFail(t *testing.T) {
	if err := Worst([]finding.Finding{{Severity: Warning}, {Severity: Info}}); err != nil {
		t.Errorf("warnings fail: %v", err)
	}
	err := Worst([]finding.Finding{{Severity: Error, ID: "gap", Place: "$.tlogs[0]"}})
	if fault.ExitCode(err) != int(fault.Verification) || !strings.Contains(err.Error(), "gap") {
		t.Errorf("error is %v", err)
	}
}

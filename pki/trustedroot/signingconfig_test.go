package trustedroot

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/finding"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/pki/trustedroot/judge"
)

func (w *world) signingConfig(t testing.TB) []byte {
	t.Helper()
	data, err := BuildSigningConfig(w.plan, w.state)
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	return data
}

func TestBuildSigningConfig_GoldenBytes(t *testing.T) {
	golden(t, "signing_config.golden.json", newWorld(t, 1).signingConfig(t))
}

func TestBuildSigningConfig_GoodFileHasNoFinding(t *testing.T) {
	for _, generations := range []int{1, 2} {
		w := newWorld(t, generations)
		findings, err := LintSigningConfig(w.signingConfig(t), LintOptions{Judge: judge.SigstoreGo{}, At: after, Pair: w.build(t)})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range findings {
			t.Errorf("%d generations: %s", generations, f)
		}
	}
}

// During a renewal both generations are open: a log that moves to another URL
// is not asked before the cutover, unless it begins when every verifier has its
// key; the CA at one URL stands once.
func TestBuildSigningConfig_Overlap(t *testing.T) {
	w := newWorld(t, 2)
	for _, generations := range w.state.Logs {
		generations[0].End = nil
	}
	for _, generations := range w.state.Authorities {
		generations[0].End = nil
	}
	l := w.state.Logs["rekor"][1].Log
	l.URL, l.Origin = "https://rekor2.example.org", "rekor2.example.org"
	w.plan.TUF = &plan.TUF{Timestamp: plan.OnlineRole{Expiry: 7}}
	urls := func(want ...string) *root.SigningConfig {
		t.Helper()
		sc, err := judge.CheckSigningConfig(w.signingConfig(t))
		if err != nil {
			t.Fatal(err)
		}
		var urls []string
		for _, s := range sc.RekorLogURLs() {
			urls = append(urls, s.URL)
		}
		if !slices.Equal(urls, want) {
			t.Errorf("Rekor URLs are %v, want %v", urls, want)
		}
		return sc
	}
	rekor := w.state.Logs["rekor"]
	rekor[1].Added = rekor[1].Start.AddDate(0, 0, -6)
	urls("https://rekor.example.org")
	rekor[1].Added = rekor[1].Start.AddDate(0, 0, -7)
	urls("https://rekor2.example.org", "https://rekor.example.org")
	rekor[1].Added, rekor[0].End = rekor[1].Start, &switched
	urls("https://rekor2.example.org")
	rekor[0].End = nil
	sc := urls("https://rekor.example.org")
	cas := sc.FulcioCertificateAuthorityURLs()
	if len(cas) != 1 || !cas[0].ValidityPeriodStart.Equal(dayOne) {
		t.Errorf("CAs are %v, want one, from the older generation's start", cas)
	}
}

func TestBuildSigningConfig_ClosedServiceLeaves(t *testing.T) {
	w := newWorld(t, 1)
	w.state.Logs["rekor"][0].End = &switched
	sc, err := judge.CheckSigningConfig(w.signingConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(sc.RekorLogURLs()); n != 0 {
		t.Errorf("%d Rekor URLs, want none", n)
	}
	// cosign dereferences the configuration without looking
	if sc.RekorLogURLsConfig().Selector.String() != "ANY" || sc.TimestampAuthorityURLsConfig().Selector.String() != "ANY" {
		t.Error("a selector is missing")
	}
}

func TestBuildSigningConfig_Refuses(t *testing.T) {
	w := newWorld(t, 1)
	a := w.plan.Authorities["fulcio"]
	a.URL = "fulcio.example.org"
	w.plan.Authorities["fulcio"] = a
	w.plan.Organization = "…"
	_, err := BuildSigningConfig(w.plan, w.state)
	for _, want := range []string{"authority fulcio: url", "gives no operator's name"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q: %v", want, err)
		}
	}
	if fault.ExitCode(err) != int(fault.Verification) {
		t.Errorf("code %d", fault.ExitCode(err))
	}
}

func TestOperatorName(t *testing.T) {
	for in, want := range map[string]string{
		"example.org":           "example.org",
		"REHEARSAL example.org": "rehearsal-example.org",
		"https://example.org/":  "https-example.org",
		" ":                     "",
	} {
		if got := operatorName(in); got != want {
			t.Errorf("%q gives %q, want %q", in, got, want)
		}
	}
}

func brokenConfigs() []broken {
	doc := func(name, id, path string, change func(d object)) broken {
		return broken{name: name, id: id, path: path, doc: func(_ *testing.T, _ *world, d object) { change(d) }}
	}
	window := func(start, end string) map[string]any { return map[string]any{"start": start, "end": end} }
	return []broken{
		doc("media type of version 0.1", "media-type", "$.mediaType", func(d object) { d["mediaType"] = "application/vnd.dev.sigstore.signingconfig.v0.1+json" }),
		doc("caUrl of version 0.1", "unknown-field", "$.caUrl", func(d object) { delete(d, "caUrls"); d["caUrl"] = "https://fulcio.example.org" }),
		doc("services as strings", "wrong-type", "$.caUrls[0]", func(d object) { d["caUrls"] = []any{"https://fulcio.example.org"} }),
		{name: "service twice in one object", raw: func(d []byte) []byte {
			return bytes.Replace(d, []byte(`"caUrls"`), []byte(`"caUrls": [], "caUrls"`), 1)
		}, id: "duplicate-field", path: "$.caUrls"},
		doc("no Fulcio", "service-missing", "$.caUrls", func(d object) { delete(d, "caUrls") }),
		doc("no Rekor", "service-missing", "$.rekorTlogUrls", func(d object) { d["rekorTlogUrls"] = []any{} }),
		doc("Rekor v2 without TSA", "no-tsa", "$.tsaUrls", func(d object) { delete(d, "tsaUrls") }),
		doc("no rekorTlogConfig", "selection-missing", "$.rekorTlogConfig", func(d object) { delete(d, "rekorTlogConfig") }),
		doc("no tsaConfig", "selection-missing", "$.tsaConfig", func(d object) { delete(d, "tsaConfig") }),
		doc("no selector", "selector", "$.rekorTlogConfig.selector", func(d object) { d["rekorTlogConfig"] = map[string]any{} }),
		doc("more services than operators", "selector", "$.tsaConfig.count", func(d object) {
			d["tsaConfig"] = map[string]any{"selector": "EXACT", "count": 2}
		}),
		doc("exactly none", "selector", "$.tsaConfig.count", func(d object) { d["tsaConfig"] = map[string]any{"selector": "EXACT"} }),
		doc("URL without scheme", "service-url", "$.caUrls[0].url", func(d object) { d.at("caUrls", 0)["url"] = "fulcio.example.org" }),
		doc("TSA base URL", "tsa-path", "$.tsaUrls[0].url", func(d object) { d.at("tsaUrls", 0)["url"] = "https://tsa.example.org" }),
		doc("Fulcio endpoint", "service-url", "$.caUrls[0].url", func(d object) { d.at("caUrls", 0)["url"] = "https://fulcio.example.org/api/v2/signingCert" }),
		doc("URL with a slash", "url-form", "$.rekorTlogUrls[0].url", func(d object) { d.at("rekorTlogUrls", 0)["url"] = "https://rekor.example.org/" }),
		doc("no API version", "api-version", "$.rekorTlogUrls[0].majorApiVersion", func(d object) { delete(d.at("rekorTlogUrls", 0), "majorApiVersion") }),
		doc("Fulcio API version 2", "api-version", "$.caUrls[0].majorApiVersion", func(d object) { d.at("caUrls", 0)["majorApiVersion"] = 2 }),
		doc("no operator", "operator", "$.tsaUrls[0].operator", func(d object) { delete(d.at("tsaUrls", 0), "operator") }),
		doc("operator with a scheme", "operator", "$.tsaUrls[0].operator", func(d object) { d.at("tsaUrls", 0)["operator"] = "https://example.org" }),
		doc("service without window", "service-window-missing", "$.caUrls[0].validFor", func(d object) { delete(d.at("caUrls", 0), "validFor") }),
		doc("service window backwards", "window-backwards", "$.caUrls[0].validFor", func(d object) {
			d.at("caUrls", 0)["validFor"] = window("2026-01-01T00:00:00Z", "2025-01-01T00:00:00Z")
		}),
		doc("oldest service first", "order", "$.rekorTlogUrls[1]", func(d object) {
			newer := map[string]any{"url": "https://rekor2.example.org", "majorApiVersion": 2, "operator": "example.org", "validFor": map[string]any{"start": stamp(before)}}
			d["rekorTlogUrls"] = append(d.list("rekorTlogUrls"), newer)
		}),
		doc("service twice", "duplicate-service", "$.caUrls[1].url", func(d object) { d["caUrls"] = append(d.list("caUrls"), d.list("caUrls")[0]) }),
		doc("identity provider of the public instance", "public-leftover", "$.oidcUrls[0].url", func(d object) {
			d["oidcUrls"] = []any{map[string]any{"url": "https://oauth2.sigstore.dev/auth", "majorApiVersion": 1, "operator": "sigstore.dev", "validFor": map[string]any{"start": stamp(dayOne)}}}
		}),
		{name: "service over before it is asked", doc: func(_ *testing.T, _ *world, d object) {
			d.at("caUrls", 0)["validFor"] = window(stamp(dayOne), stamp(dayOne.Add(time.Hour)))
		}, at: before, id: "nothing-current", path: "$.caUrls"},
	}
}

// choose does what a signer does with a signing config: it takes a CA, a log
// and, where there is one, a TSA.
func choose(data []byte, at time.Time) (effect finding.Effect, why string) {
	sc, err := judge.CheckSigningConfig(data)
	if err != nil {
		return Refuses, err.Error()
	}
	defer func() {
		if r := recover(); r != nil {
			effect, why = Panics, fmt.Sprint(r)
		}
	}()
	if _, err := root.SelectService(sc.FulcioCertificateAuthorityURLs(), []uint32{1}, at); err != nil {
		return CannotSign, "Fulcio: " + err.Error()
	}
	if _, err := root.SelectServices(sc.RekorLogURLs(), sc.RekorLogURLsConfig(), []uint32{1, 2}, at); err != nil {
		return CannotSign, "Rekor: " + err.Error()
	}
	if len(sc.TimestampAuthorityURLs()) == 0 {
		return Accepts, ""
	}
	if _, err := root.SelectServices(sc.TimestampAuthorityURLs(), sc.TimestampAuthorityURLsConfig(), []uint32{1}, at); err != nil {
		return CannotSign, "TSA: " + err.Error()
	}
	return Accepts, ""
}

func TestLintSigningConfig_BrokenFiles(t *testing.T) {
	var table strings.Builder
	tw := tabwriter.NewWriter(&table, 0, 8, 2, ' ', 0)
	for _, b := range brokenConfigs() {
		t.Run(b.name, func(t *testing.T) {
			data := newWorld(t, 1).signingConfig(t)
			if b.doc != nil {
				var d object
				if err := json.Unmarshal(data, &d); err != nil {
					t.Fatal(err)
				}
				b.doc(t, nil, d)
				var err error
				if data, err = json.MarshalIndent(d, "", "  "); err != nil {
					t.Fatal(err)
				}
			}
			if b.raw != nil {
				data = b.raw(data)
			}
			findings, err := LintSigningConfig(data, LintOptions{Judge: judge.SigstoreGo{}, At: b.at})
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(findings, func(f finding.Finding) bool { return f.ID == b.id && f.Place == b.path })
			if i < 0 {
				t.Fatalf("no finding %s at %s among %v", b.id, b.path, findings)
			}
			observed, why := choose(data, before)
			if claimed := strongest(findings, SigstoreGo); !agrees(claimed, observed) {
				t.Errorf("the findings say that sigstore-go %s; it %s (%s)\n%v", claimed, observed, why, findings)
			}
			if len(why) > 90 {
				why = why[:90] + "…"
			}
			if _, err := fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\n", b.name, findings[i].ID, findings[i].Severity, observed, why); err != nil {
				t.Fatal(err)
			}
		})
	}
	if err := tw.Flush(); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", table.String())
}

func TestLint_PairDisagrees(t *testing.T) {
	w, other := newWorld(t, 1), newWorldOf(t, "example.com", 1)
	for name, lint := range map[string]func() ([]finding.Finding, error){
		"trusted root": func() ([]finding.Finding, error) {
			return Lint(w.build(t), LintOptions{Judge: judge.SigstoreGo{}, Pair: other.signingConfig(t)})
		},
		"signing config": func() ([]finding.Finding, error) {
			return LintSigningConfig(other.signingConfig(t), LintOptions{Judge: judge.SigstoreGo{}, Pair: w.build(t)})
		},
	} {
		findings, err := lint()
		if err != nil {
			t.Fatal(err)
		}
		if len(findings) != 3 || findings[0].ID != "not-in-trusted-root" {
			t.Errorf("%s: findings are %v, want one for each of CA, log and TSA", name, findings)
		}
	}
}

func TestLint_PairUnreadable(t *testing.T) {
	w := newWorld(t, 1)
	if _, err := Lint(w.build(t), LintOptions{Judge: judge.SigstoreGo{}, Pair: []byte("{}")}); fault.ExitCode(err) != int(fault.Verification) {
		t.Errorf("error is %v", err)
	}
	if _, err := LintSigningConfig(w.signingConfig(t), LintOptions{Judge: judge.SigstoreGo{}, Pair: []byte("{}")}); fault.ExitCode(err) != int(fault.Verification) {
		t.Errorf("error is %v", err)
	}
}

func TestLint_PairOfferedTooEarly(t *testing.T) {
	w := newWorld(t, 1)
	early := bytes.Replace(w.signingConfig(t), []byte(stamp(dayOne)), []byte(stamp(dayOne.AddDate(-1, 0, 0))), 1)
	findings, err := LintSigningConfig(early, LintOptions{Judge: judge.SigstoreGo{}, Pair: w.build(t)})
	if err != nil {
		t.Fatal(err)
	}
	if len(findings) != 1 || !strings.Contains(findings[0].Text, "verifiers accept it from") {
		t.Errorf("findings are %v", findings)
	}
}

// Both logs: the other instance's log and TSA stand beside our own under
// their own operator, the plan's selector is written, and signers take both.
func TestBuildSigningConfig_BothLogs(t *testing.T) {
	w, public := newWorld(t, 1), newWorldOf(t, "example.net", 1)
	w.plan.Signing = &plan.Signing{Rekor: plan.Selection{Selector: "ALL"}, TSA: plan.Selection{Selector: "EXACT", Count: 2}}
	data, err := BuildSigningConfig(w.plan, w.state, public.signingConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	sc, err := judge.CheckSigningConfig(data)
	if err != nil {
		t.Fatal(err)
	}
	chosen, err := root.SelectServices(sc.RekorLogURLs(), sc.RekorLogURLsConfig(), []uint32{2}, after)
	if err != nil || len(chosen) != 2 {
		t.Errorf("signers choose the logs %v, %v, want both", chosen, err)
	}
	if cas := sc.FulcioCertificateAuthorityURLs(); len(cas) != 1 || !strings.Contains(cas[0].URL, "example.org") {
		t.Errorf("signers ask the CAs %v, want the own one", cas)
	}
	both, err := Build(w.plan, w.state, w.files, public.build(t))
	if err != nil {
		t.Fatal(err)
	}
	findings, err := LintSigningConfig(data, LintOptions{Judge: judge.SigstoreGo{}, At: after, Pair: both})
	if err != nil || Worst(findings) != nil {
		t.Errorf("with both in the trusted root: %v, %v", findings, err)
	}
	findings, err = LintSigningConfig(data, LintOptions{Judge: judge.SigstoreGo{}, At: after, Pair: w.build(t)})
	if err != nil || !slices.ContainsFunc(findings, func(f finding.Finding) bool { return f.ID == "selector-exceeds-trusted-root" }) {
		t.Errorf("without the other in the trusted root: %v, %v", findings, err)
	}
	if _, err := BuildSigningConfig(w.plan, w.state, w.signingConfig(t)); err == nil || !strings.Contains(err.Error(), "one service of each operator") {
		t.Errorf("an include of the same operator: %v", err)
	}
}

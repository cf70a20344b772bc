package trustedroot

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/pki/trustedroot/judge"
)

// unrenewed takes the second generation of some names out of a world of two.
func (w *world) unrenewed(names ...string) {
	for _, name := range names {
		for _, of := range []map[string][]ledger.Generation{w.state.Authorities, w.state.Logs} {
			if list := of[name]; len(list) == 2 {
				of[name] = list[:1]
			}
		}
		w.open(name)
	}
}

// open forgets the cutover of a name.
func (w *world) open(name string) {
	for _, of := range []map[string][]ledger.Generation{w.state.Authorities, w.state.Logs} {
		for i := range of[name] {
			of[name][i].End = nil
		}
	}
}

// changes returns what Diff says between two files, as "kind path".
func changes(t *testing.T, oldFile, newFile []byte) []string {
	t.Helper()
	list, err := Diff(oldFile, newFile)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, c := range list {
		out = append(out, c.Kind+" "+c.Path)
	}
	return out
}

// One role is renewed and cut over, then all others: each publication changes
// exactly one thing per role, and what was signed at any time stays good.
func TestRenewal_OneRoleThenAll(t *testing.T) {
	all := newWorld(t, 2)
	first := newWorld(t, 2)
	first.unrenewed("fulcio", "tsa", "rekor", "ct")
	published := newWorld(t, 2)
	published.unrenewed("tsa", "rekor", "ct")
	published.open("fulcio")
	switchedOne := newWorld(t, 2)
	switchedOne.unrenewed("tsa", "rekor", "ct")
	allPublished := newWorld(t, 2)
	for _, name := range []string{"tsa", "rekor", "ct"} {
		allPublished.open(name)
	}
	files := [][]byte{first.build(t), published.build(t), switchedOne.build(t), allPublished.build(t), all.build(t)}
	want := [][]string{
		{"added $.certificateAuthorities[1]"},
		{"closed $.certificateAuthorities[0]"},
		{"added $.tlogs[1]", "added $.ctlogs[1]", "added $.timestampAuthorities[1]"},
		{"closed $.tlogs[0]", "closed $.ctlogs[0]", "closed $.timestampAuthorities[0]"},
	}
	for i := range want {
		if got := changes(t, files[i], files[i+1]); !slices.Equal(got, want[i]) {
			t.Errorf("publication %d changes %v, want %v", i+2, got, want[i])
		}
		if findings, err := Lint(files[i+1], LintOptions{Judge: judge.SigstoreGo{}, At: after}); err != nil || Worst(findings) != nil {
			t.Errorf("publication %d: %v %v", i+2, findings, err)
		}
	}
	bundles := []judge.Bundle{
		all.sign(t, "before", 1, before),
		all.signBy(t, "fulcio renewed", all.mixed(2, 1, 1, 1), dayTwo.AddDate(0, 0, 7)),
		all.sign(t, "after", 2, after),
	}
	coverage, err := judge.CheckBundles(files[4], bundles...)
	if err != nil || len(coverage.Unproven) != 0 {
		t.Fatalf("under the last file: %v, unproven %v", err, coverage.Unproven)
	}
	for _, r := range coverage.Bundles {
		without, err := Without(files[4], r.Needs...)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(bundles, func(b judge.Bundle) bool { return b.Name == r.Name })
		if _, err := judge.CheckBundles(without, bundles[i]); err == nil {
			t.Errorf("bundle %s verifies without its generation", r.Name)
		}
	}
	if _, err := judge.CheckBundles(files[2], bundles[2]); err == nil {
		t.Error("a bundle of the new generation verifies under a file that does not have it")
	}
}

// A ledger that lost a cutover would open a window again that was published
// closed.
func TestRenewal_CutoverLeftOut(t *testing.T) {
	all, lost := newWorld(t, 2), newWorld(t, 2)
	lost.open("tsa")
	_, err := Diff(all.build(t), lost.build(t))
	if err == nil || !strings.Contains(err.Error(), "$.timestampAuthorities[0]") || !strings.Contains(err.Error(), "is open again") {
		t.Fatalf("error is %v", err)
	}
}

// Before a switch two generations are open; a third says that one was left out.
func TestRenewal_ThirdGenerationWithoutCutover(t *testing.T) {
	w := newWorld(t, 2)
	w.open("rekor")
	w.log(t, "rekor", 3, after)
	_, err := Build(w.plan, w.state, w.files)
	if want := "log rekor generation 1: it is still open, and generation 3 follows generation 2 already: the cutover to generation 2 is missing"; err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("error is %v, want %q", err, want)
	}
	w.cutover(switched, "rekor")
	w.state.Logs["rekor"][1].End = nil
	w.build(t)
}

// The plan may name another URL later; entries keep the one of their day.
func TestBuild_URLAsIssued(t *testing.T) {
	w := newWorld(t, 2)
	want, config := w.build(t), w.signingConfig(t)
	for _, name := range []string{"fulcio", "tsa"} {
		for i := range w.state.Authorities[name] {
			w.state.Authorities[name][i].Certificate.URL = w.plan.Authorities[name].URL
		}
		a := w.plan.Authorities[name]
		a.URL = "https://elsewhere.example.org/x"
		w.plan.Authorities[name] = a
	}
	if !bytes.Equal(w.build(t), want) || string(w.signingConfig(t)) != string(config) {
		t.Error("a plan with other URLs changed entries that state theirs")
	}
}

func TestBuildSigningConfig_IdentityProviders(t *testing.T) {
	w := newWorld(t, 2)
	w.plan.OIDC = []plan.Provider{{Issuer: "https://login.example.org"}, {Issuer: "https://ci.example.org"}}
	data := w.signingConfig(t)
	sc, err := judge.CheckSigningConfig(data)
	if err != nil {
		t.Fatal(err)
	}
	urls := sc.OIDCProviderURLs()
	if len(urls) != 2 || urls[0].URL != w.plan.OIDC[0].Issuer || urls[1].URL != w.plan.OIDC[1].Issuer || !urls[0].ValidityPeriodStart.Equal(dayTwo) {
		t.Errorf("providers are %+v", urls)
	}
	findings, err := LintSigningConfig(data, LintOptions{Judge: judge.SigstoreGo{}, At: after.Add(time.Hour), Pair: w.build(t)})
	if err != nil || len(findings) != 0 {
		t.Errorf("findings: %v %v", findings, err)
	}
}

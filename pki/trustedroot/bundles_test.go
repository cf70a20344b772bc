package trustedroot

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/trustedroot/judge"
)

func TestCheckBundles_BothGenerations(t *testing.T) {
	w := newWorld(t, 2)
	coverage, err := judge.CheckBundles(w.build(t), w.sign(t, "before", 1, before), w.sign(t, "after", 2, after))
	if err != nil {
		t.Fatal(err)
	}
	if len(coverage.Unproven) != 0 {
		t.Errorf("unproven: %v", coverage.Unproven)
	}
	for i, suffix := range []string{"[0]", "[1]"} {
		want := []string{"$.tlogs" + suffix, "$.certificateAuthorities" + suffix, "$.ctlogs" + suffix, "$.timestampAuthorities" + suffix}
		if !slices.Equal(coverage.Bundles[i].Needs, want) {
			t.Errorf("bundle %s needs %v, want %v", coverage.Bundles[i].Name, coverage.Bundles[i].Needs, want)
		}
	}
}

func TestCheckBundles_NewGenerationMissing(t *testing.T) {
	one, two := newWorld(t, 1), newWorld(t, 2)
	coverage, err := judge.CheckBundles(one.build(t), two.sign(t, "before", 1, before), two.sign(t, "after", 2, after))
	if err == nil || !strings.Contains(err.Error(), "bundle after: ") || strings.Contains(err.Error(), "bundle before: ") {
		t.Fatalf("error is %v", err)
	}
	if fault.ExitCode(err) != int(fault.Verification) {
		t.Errorf("code %d", fault.ExitCode(err))
	}
	if coverage.Bundles[0].Error != "" || coverage.Bundles[1].Error == "" {
		t.Errorf("results are %+v", coverage.Bundles)
	}
}

// An unproven generation is reported, so that a gate can ask for a bundle.
func TestCheckBundles_Unproven(t *testing.T) {
	w := newWorld(t, 2)
	coverage, err := judge.CheckBundles(w.build(t), w.sign(t, "before", 1, before))
	if err != nil {
		t.Fatal(err)
	}
	if len(coverage.Unproven) != 4 || coverage.Unproven[0] != "$.tlogs[1]" {
		t.Errorf("unproven: %v", coverage.Unproven)
	}
}

func TestCheckBundles_OwnAndIncluded(t *testing.T) {
	own, other := newWorld(t, 1), newWorldOf(t, "example.com", 1)
	data, err := Build(own.plan, own.state, own.files, other.build(t))
	if err != nil {
		t.Fatal(err)
	}
	coverage, err := judge.CheckBundles(data, own.sign(t, "own", 1, before), other.sign(t, "other", 1, before))
	if err != nil {
		t.Fatal(err)
	}
	if len(coverage.Unproven) != 0 {
		t.Errorf("unproven: %v", coverage.Unproven)
	}
}

// Signing with the old key after its window has closed is what a cutover ends.
func TestCheckBundles_SignedAfterCutover(t *testing.T) {
	w := newWorld(t, 2)
	if _, err := judge.CheckBundles(w.build(t), w.sign(t, "late", 1, switched.Add(time.Hour))); err == nil {
		t.Error("a bundle of the closed generation verifies")
	}
}

func TestCheckBundles_NotABundle(t *testing.T) {
	w := newWorld(t, 1)
	good := w.sign(t, "good", 1, before)
	_, err := judge.CheckBundles(w.build(t), good, judge.Bundle{Name: "empty", Data: []byte("{}")}, judge.Bundle{Name: "huge", Data: make([]byte, maxDocument+1)})
	for _, want := range []string{"bundle empty: ", "bundle huge: larger"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q: %v", want, err)
		}
	}
}

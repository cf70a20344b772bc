package trustdir_test

import (
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// TestFullTerm_EndsWithTheLastDayThatFits issues on the last day, and not on
// the one after it, leap days between.
func TestFullTerm_EndsWithTheLastDayThatFits(t *testing.T) {
	day := func(text string) time.Time {
		at, err := time.Parse(time.DateOnly, text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, c := range []struct{ validity, from, to, until string }{
		{"3y", "2026-11-26", "2036-11-26", "2033-11-26"},
		{"1095d", "2026-11-26", "2036-11-26", "2033-11-27"}, // 2036-02-29 lies between
		{"10y", "2026-11-26", "2036-11-26", "2026-11-26"},
		{"11y", "2026-11-26", "2036-11-26", ""},
	} {
		validity, err := pki.ParseValidity(c.validity)
		if err != nil {
			t.Fatal(err)
		}
		d := &trustdir.Dir{Plan: &plan.Plan{Authorities: map[string]plan.Authority{"root": {}, "fulcio": {Validity: validity}}}}
		root := ledger.Generation{Number: 1, Certificate: &ledger.Certificate{NotBefore: day(c.from), NotAfter: day(c.to).Add(-time.Second)}}
		name, from, until := trustdir.FullTerm(d, root)
		if c.until == "" {
			if name != "" {
				t.Errorf("%s under %s to %s: %s until %s", c.validity, c.from, c.to, name, until)
			}
			continue
		}
		if name != "fulcio" || !from.Equal(day(c.from)) || !until.Equal(day(c.until)) {
			t.Errorf("%s under %s to %s: %s from %s until %s, want %s", c.validity, c.from, c.to, name, from, until, c.until)
		}
		if end := day(c.to); validity.NotAfter(until).After(end) || !validity.NotAfter(until.AddDate(0, 0, 1)).After(end) {
			t.Errorf("%s: %s is not the last day", c.validity, until)
		}
	}
}

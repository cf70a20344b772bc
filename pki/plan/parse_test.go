package plan

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/strict"
	"github.com/linnemanlabs/trustroot/pki"
)

func full(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// edit replaces old, which must be there once, and returns the whole.
func edit(t *testing.T, plan, old, replacement string) string {
	t.Helper()
	if n := strings.Count(plan, old); n != 1 {
		t.Fatalf("%q stands in the plan %d times", old, n)
	}
	return strings.Replace(plan, old, replacement, 1)
}

func problemsOf(t *testing.T, data string) strict.Problems {
	t.Helper()
	_, err := Parse("pki.yaml", []byte(data))
	if err == nil {
		return nil
	}
	if fault.ExitCode(err) != int(fault.Usage) || fault.Hint(err) == "" {
		t.Errorf("exit code %d, hint %q", fault.ExitCode(err), fault.Hint(err))
	}
	problems, ok := errors.AsType[strict.Problems](err)
	if !ok {
		t.Fatalf("the error is not a list of problems: %v", err)
	}
	return problems
}

func TestParse_Full(t *testing.T) {
	p, err := Parse("pki.yaml", []byte(full(t)))
	if err != nil {
		t.Fatal(err)
	}
	fulcio := p.Authorities["fulcio"]
	if fulcio.Validity != (pki.Validity{Days: 1095}) || *fulcio.PathLen != 0 || !*fulcio.ExtKeyUsageCritical ||
		fulcio.NameConstraints.Excluded.IP[1] != "2001:db8::/32" || fulcio.Generations[1].NotAfter.Year() != 2030 {
		t.Errorf("fulcio is %+v", fulcio)
	}
	if got := p.Logs["rekor"].Generations[0].Start; !got.Equal(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)) || got.Location() != time.UTC {
		t.Errorf("rekor starts at %v", got)
	}
	if p.TUF.Root.Expiry != 197 || p.Holders["second"].Slot != "82" || p.Ceremonies["2026-first"].Token != 33333333 {
		t.Errorf("plan is %+v", p)
	}
	if p.Authorities["root"].PathLen != nil || p.Rehearsal != nil {
		t.Error("a field that is not given is set")
	}
}

func TestParse_ThreeMistakes(t *testing.T) {
	plan := full(t)
	plan = edit(t, plan, "    url: https://fulcio.example.com\n", "    ulr: https://fulcio.example.com\n")
	plan = edit(t, plan, "    validity: 3y\n", "    validity: 11y\n")
	plan = edit(t, plan, "    url: https://ct.example.com/2026\n    algorithm: P-256\n", "    url: https://ct.example.com/2026\n    algorithm: P-384\n")
	got := problemsOf(t, plan)
	want := strict.Problems{
		{File: "pki.yaml", Line: 34, Column: 5, Field: "authorities.fulcio.ulr", Reason: "unknown field: write url"},
		{File: "pki.yaml", Line: 62, Column: 15, Field: "authorities.tsa.validity", Reason: "would end at 2037-04-30T23:59:59Z, after its issuer root, which ends at 2036-04-27T23:59:59Z: write less"},
		{File: "pki.yaml", Line: 105, Column: 16, Field: "logs.ct.algorithm", Reason: "a P-384 key in KMS signs with SHA-384 or SHA-512 only, and clients verify checkpoints with SHA-256; Fulcio refuses at its start a CT key that is not P-256: write P-256"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
}

package plan

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const twoRoots = `version: 1
organization: example.org
authorities:
  root:
    profile: root
    subject: {organization: example.org, common_name: Example Root}
    validity: 20y
    algorithm: P-384
    token: {slot: 9c, pin: once, touch: always}
    crl: {next_update: 400d, url: "http://trust.example.org/crls/root.crl"}
    generations:
      - generation: 1
        ceremony: founding
      - generation: 2
        ceremony: standby
        standby: true
        subject: {organization: example.org, common_name: Example Root 2}
  tsa:
    profile: tsa
    subject: {organization: example.org, common_name: Example TSA}
    validity: 3y
    algorithm: P-384
    url: https://tsa.example.org/api/v1/timestamp
    crl_distribution: ["http://trust.example.org/crls/root.crl"]
    generations:
      - generation: 1
        ceremony: founding
      - generation: 2
        ceremony: later
        root: 2
        url: https://tsa2.example.org/api/v1/timestamp
logs:
  rekor:
    kind: rekor-v2
    origin: rekor.example.org
    url: https://rekor.example.org
    algorithm: P-256
    generations:
      - generation: 1
      - generation: 2
        origin: rekor27.example.org
        url: https://rekor27.example.org
      - generation: 3
ceremonies:
  founding: {day: "2026-12-01", not_before: 2026-12-01T00:00:00Z, token: 1001}
  standby: {day: "2026-12-01", not_before: 2026-12-01T00:00:00Z, token: 1002}
  later: {day: "2027-12-01", not_before: 2027-12-01T00:00:00Z, token: 1002}
`

func TestRoots_GenerationsAreIssuedUnderTheRootOfTheirToken(t *testing.T) {
	p, err := Parse("pki.yaml", []byte(twoRoots))
	if err != nil {
		t.Fatal(err)
	}
	for ceremony, want := range map[string]int{"founding": 1, "standby": 2, "later": 2} {
		if got := p.RootOf(ceremony); got != want {
			t.Errorf("%s is held at the token of root %d, want %d", ceremony, got, want)
		}
	}
	first, err := p.Spec("root", 1)
	if err != nil {
		t.Fatal(err)
	}
	second, err := p.Spec("root", 2)
	if err != nil {
		t.Fatal(err)
	}
	if first.Subject == second.Subject || second.Subject.CommonName != "Example Root 2" {
		t.Errorf("subjects are %s and %s", first.Subject, second.Subject)
	}
	tsa, err := p.Spec("tsa", 2)
	if err != nil {
		t.Fatal(err)
	}
	if got := tsa.Settings.CRLDistribution[0]; got != "http://trust.example.org/crls/root-g2.crl" {
		t.Errorf("under the second root the CRL is at %s", got)
	}
	if _, url := p.PlaceOf("tsa", 2); url != "https://tsa2.example.org/api/v1/timestamp" {
		t.Errorf("the second TSA is at %s", url)
	}
	for generation, want := range []string{1: "rekor.example.org", 2: "rekor27.example.org", 3: "rekor27.example.org"} {
		if got, _ := p.PlaceOf("rekor", generation); generation > 0 && got != want {
			t.Errorf("rekor generation %d has the origin %s, want %s", generation, got, want)
		}
	}
}

func TestRoots_Refusals(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"token: 1002}\n  later", "token: 1001}\n  later", "token 1001, which holds the key of generation 1"},
		{"        subject: {organization: example.org, common_name: Example Root 2}\n", "", "two keys under one name"},
		{"common_name: Example Root 2", "common_name: Example TSA", "has the same subject"},
		{"root: 2\n", "root: 1\n", "name a ceremony at the token of generation 1"},
		{"root: 2\n", "root: 3\n", "not a generation of the root"},
		{"later: {day: \"2027-12-01\", not_before: 2027-12-01T00:00:00Z, token: 1002}", "later: {day: \"2027-12-01\", not_before: 2027-12-01T00:00:00Z, token: 77}",
			"token 77, on which no generation of the root has its key: hold it at token 1001"},
		{"        root: 2\n", "        standby: true\n", "only a root stands by"},
		{"        root: 2\n", "        subject: {organization: a, common_name: b}\n", "only generations of the root"},
		{"    crl: {next_update: 400d, url: \"http://trust.example.org/crls/root.crl\"}\n", "", "names a CRL that no ceremony makes"},
		{"crls/root.crl\"}", "crls/other.crl\"}", "does not name http://trust.example.org/crls/other.crl"},
		{"crls/root.crl\"}", "crls/root\"}", "ends in .crl"},
		{"token: 1002}\n", "token: 1002, destroy: true}\n", "cannot make it"},
		{"not_before: 2027-12-01T00:00:00Z, token: 1002}", "not_before: 2027-12-01T00:00:00Z, token: 1002, destroy: true}", "destroys the root's key"},
		{"        origin: rekor27.example.org\n", "", "the host of the log's url"},
		{"url: https://rekor27.example.org\n", "url: http://rekor27.example.org\n", "must begin with https"},
		{"url: https://tsa2.example.org/api/v1/timestamp", "url: https://tsa2.example.org", "full endpoint"},
	} {
		changed := strings.Replace(twoRoots, c.from, c.to, 1)
		if changed == twoRoots {
			t.Fatalf("%q is not in the plan", c.from)
		}
		_, err := Parse("pki.yaml", []byte(changed))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v\nwant %q", c.to, err, c.want)
		}
	}
}

func TestCRL_APlanThatNamesOneWithoutMakingItIsRefused(t *testing.T) {
	shared := os.Getenv("TRUSTROOT_CORPUS")
	if shared == "" {
		t.Skip("TRUSTROOT_CORPUS is not set")
	}
	data, err := os.ReadFile(filepath.Join(shared, "cases", "plans", "crl-distribution.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Parse("pki.yaml", data); err == nil || !strings.Contains(err.Error(), "no ceremony makes") {
		t.Errorf("the plan is taken: %v", err)
	}
}

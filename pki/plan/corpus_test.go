package plan

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Plans that were found wrong say so in the field's words, and those that are
// right hold. No plan of the folder is left out.
func TestParse_PlansThatFailed(t *testing.T) {
	dir := os.Getenv("TRUSTROOT_CORPUS")
	if dir == "" {
		t.Skip("TRUSTROOT_CORPUS names no folder of plans: nothing to judge")
	}
	cases := map[string]string{
		"crl-distribution":           "authorities.root.crl_distribution: names a CRL that no ceremony makes",
		"leafpolicy":                 "authorities.tsal.policies[0].oid: 1.3.6.1.4.1.65302.1.9 is not a policy of its issuer tsaca",
		"spiffe-control":             "",
		"spiffe-own-domain-excluded": "authorities.spire.name_constraints.permitted.uri: excludes example.net",
		"spiffe-path-len-0":          "authorities.spire.path_len: leaves no room for SPIRE's own CA",
		"spiffe-upper-case":          "authorities.spire.uris[0]: is not a trust domain: write spiffe://example.net",
		"uuid":                       "",
		"validity-daynested":         "",
		"validity-days":              "",
		"validity-far":               "authorities.root.generations[0].not_after: is more than a hundred years",
		"validity-same-second":       "authorities.fulcio.generations[0].not_after: makes the certificate one second too long",
	}
	more := map[string]int{"crl-distribution": 3} // the root's, Fulcio's and the TSA's
	files, err := filepath.Glob(filepath.Join(dir, "cases", "plans", "*.yaml"))
	if err != nil || len(files) < len(cases) {
		t.Fatalf("%d plans, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		want, ok := cases[name]
		if !ok {
			t.Errorf("nobody says what is right about %s", name)
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		switch _, err := Parse(file, data); {
		case want == "" && err != nil:
			t.Errorf("%s does not hold: %v", name, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), "\n") >= max(1, more[name])):
			t.Errorf("%s: %v, want %q alone", name, err, want)
		}
	}
}

func TestRules_SPIFFEAndDates(t *testing.T) {
	example, err := os.ReadFile(filepath.Join("testdata", "spiffe.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Parse("pki.yaml", example); err != nil {
		t.Fatalf("the plan to change does not hold: %v", err)
	}
	for _, c := range []struct{ old, new, want string }{
		{"- spiffe://example.net", "- spiffe://Example.net", "in lower case"},
		{"- spiffe://example.net", "- spiffe://example.net/ns", "without a path"},
		{"    path_len: 3\n", "    path_len: 0\n", "path_len: leaves no room"},
		{"    path_len: 3\n", "    name_constraints: {excluded: {uri: [.net]}}\n", "name_constraints.excluded.uri: excludes example.net"},
		{"    validity: 10y\n", "    validity: 10y\n    name_constraints: {permitted: {uri: [example.org]}}\n", "authorities.root.name_constraints.permitted.uri: excludes example.net"},
		{"      ceremony: founding\n", "      ceremony: founding\n      not_after: 2036-11-26T00:00:00Z\n", "one second too long"},
		{"2026-11-26T00:00:00Z", "2526-11-26T00:00:00Z", "would be issued at 2526"},
	} {
		changed := strings.Replace(string(example), c.old, c.new, 1)
		if changed == string(example) {
			t.Fatalf("%q is not in the plan", c.old)
		}
		if _, err := Parse("pki.yaml", []byte(changed)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.new, err, c.want)
		}
	}
}

package gate

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

const testPolicy = `{
  "version": 2,
  "trust": {"file": "trusted_root.json"},
  "keys": [{"file": "app.pem"}],
  "keyless": [{
    "issuer": "https://token.actions.githubusercontent.com",
    "identity": "https://github.com/example/app/.github/workflows/release.yml@refs/tags/v*",
    "claims": {
      "buildTrigger": "push",
      "sourceRepositoryRef": "refs/tags/v*"
    }
  }]
}`

func TestParsePolicy_Good(t *testing.T) {
	p, err := ParsePolicy("/etc/deploy/app.json", []byte(testPolicy))
	if err != nil {
		t.Fatal(err)
	}
	if got := p.path(p.Trust.File); got != "/etc/deploy/trusted_root.json" {
		t.Errorf("the trusted root is looked for at %s", got)
	}
	if got := p.path("/abs"); got != "/abs" {
		t.Errorf("an absolute path became %s", got)
	}
}

func TestParsePolicy_Refuses(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"unknown field":     {`"identity"`, `"identty"`, "unknown field; identity is one"},
		"unknown claim":     {`"buildTrigger"`, `"buildTriger"`, "keyless[0].claims.buildTriger: is not a claim"},
		"a key twice":       {`"version": 2,`, `"version": 2, "version": 2,`, "p.json:2:17: version"},
		"other version":     {`"version": 2`, `"version": 3`, "version: 3 is unknown"},
		"old version":       {`"version": 2`, `"version": 1`, "sourceRepositoryURI (the whole URL)"},
		"no trust":          {`{"file": "trusted_root.json"}`, `{}`, "exactly one of"},
		"two trusts":        {`{"file": "trusted_root.json"}`, `{"file": "a", "cache": "b"}`, "exactly one of"},
		"a URL":             {`{"file": "trusted_root.json"}`, `{"repository": "https://tuf.example.com", "root": "r"}`, "offline"},
		"repository alone":  {`{"file": "trusted_root.json"}`, `{"repository": "tuf"}`, "go together"},
		"own without names": {`{"file": "trusted_root.json"}`, `{"file": "a", "log": "own"}`, "trust.own: is missing"},
		"a URL as domain":   {`{"file": "trusted_root.json"}`, `{"file": "a", "own": ["https://example.com"]}`, "not a domain"},
		"no key":            {`[{"file": "app.pem"}]`, `[]`, "the rule wants 1; here are 0"},
		"a key without way": {`[{"file": "app.pem"}]`, `[{}]`, "by pem or by file"},
		"a bad digest":      {`{"file": "app.pem"}`, `{"file": "app.pem", "spki_sha256": "AB"}`, "64 lower-case hex"},
		"a bad PEM":         {`{"file": "app.pem"}`, `{"pem": "x"}`, "keys[0].pem"},
		"an empty claim":    {`"push"`, `""`, "buildTrigger: is missing"},
		"any claim":         {`"push"`, `"**"`, "would admit anything"},
		"a newline":         {`"push"`, `"pu\nsh"`, "cannot be printed"},
		"any host":          {`https://github.com/example`, `https://git*/example`, "any host"},
		"any mail domain":   {`https://github.com/example/app/.github/workflows/release.yml@refs/tags/v*`, `alice@*`, "any mail domain"},
		"any issuer":        {`https://token.actions.githubusercontent.com`, `https://*`, "without a star"},
		"unknown rule":      {`"version": 2,`, `"version": 2, "rule": "some",`, "write all, any or counts"},
		"counts alone":      {`"version": 2,`, `"version": 2, "counts": {"keys": 1},`, "go together"},
		"counts of none":    {`"version": 2,`, `"version": 2, "rule": "counts", "counts": {},`, "at least one"},
		"too high a count":  {`"version": 2,`, `"version": 2, "rule": "counts", "counts": {"keys": 2},`, "the rule wants 2"},
		"issuer no URL":     {`https://token.actions.githubusercontent.com`, `github`, "not an http or https URL"},
		"not JSON":          {`{`, `[`, ""},
	} {
		_, err := ParsePolicy("p.json", []byte(strings.Replace(testPolicy, c.old, c.new, 1)))
		if fault.ExitCode(err) != int(fault.Usage) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "p.json:") {
			t.Errorf("%s: exit code %d, error %v, want %q", name, fault.ExitCode(err), err, c.want)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, value string
		want           bool
	}{
		{"refs/tags/v*", "refs/tags/v1.2.3", true},
		{"refs/tags/v*", "refs/tags/v", false},
		{"refs/tags/v*", "refs/tags/v1/2", false},
		{"refs/tags/v*", "refs/heads/v1", false},
		{"push", "push", true},
		{"push", "pushed", false},
		{"push", "", false},
		{"refs/tags/v*", "refs/tags/v1\nevil", false},
		{"refs/tags/v*", "refs/tags/v1 evil", false},
		{"refs/tags/v*", "refs/tags/v1\u2028evil", false},
		{"refs/tags/v*", "refs/tags/v1\xff", false},
		{"refs/tags/v*", "REFS/tags/v1", false},
		{"*@example.com", "alice@example.com", true},
		{"*@example.com", "alice@evil.com@example.com", false},
		{"spiffe://example.com/ci/**", "spiffe://example.com/ci/a/b", true},
		{"spiffe://example.com/ci/*", "spiffe://example.com/ci/a/b", false},
		{"a*c", "abc", true},
		{"a*c", "ac", false},
		{"a.c", "abc", false},
	} {
		if got := matches(c.pattern, c.value); got != c.want {
			t.Errorf("%s and %s: %v", c.pattern, c.value, got)
		}
	}
}

func TestSchema_KnowsEveryField(t *testing.T) {
	data := Schema()
	if !json.Valid(data) {
		t.Fatal("no JSON")
	}
	for _, field := range []string{"trust", "cache", "repository", "spki_sha256", "keyless", "claims", "counts", "additionalProperties"} {
		if !strings.Contains(string(data), `"`+field+`"`) {
			t.Errorf("no %s", field)
		}
	}
}

package gate

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

const testPolicy = `{
  "version": 1,
  "trust": {"file": "trusted_root.json"},
  "keys": [{"file": "app.pem"}],
  "keyless": {
    "issuer": "https://token.actions.githubusercontent.com",
    "identity": "https://github.com/example/app/.github/workflows/release.yml@refs/tags/v*",
    "trigger": "push",
    "name": "release",
    "repository": "example/app",
    "ref": "refs/tags/v*"
  }
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
		"unknown field":      {`"trigger"`, `"tigger"`, "unknown field; trigger is one"},
		"a key twice":        {`"name": "release",`, `"name": "release", "name": "nightly",`, "second time"},
		"other version":      {`"version": 1`, `"version": 2`, "version: 2 is unknown"},
		"no trust":           {`{"file": "trusted_root.json"}`, `{}`, "exactly one of"},
		"two trusts":         {`{"file": "trusted_root.json"}`, `{"file": "a", "cache": "b"}`, "exactly one of"},
		"a URL":              {`{"file": "trusted_root.json"}`, `{"repository": "https://tuf.example.com", "root": "r"}`, "offline"},
		"repository alone":   {`{"file": "trusted_root.json"}`, `{"repository": "tuf"}`, "go together"},
		"no key":             {`[{"file": "app.pem"}]`, `[]`, "1 to 8"},
		"a key without way":  {`[{"file": "app.pem"}]`, `[{}]`, "by pem or by file"},
		"a bad digest":       {`{"file": "app.pem"}`, `{"file": "app.pem", "spki_sha256": "AB"}`, "64 lower-case hex"},
		"a bad PEM":          {`{"file": "app.pem"}`, `{"pem": "x"}`, "keys[0].pem"},
		"an empty claim":     {`"push"`, `""`, "keyless.trigger: is missing"},
		"a star in the host": {`https://github.com/example/app/.github/workflows/release.yml@refs/tags/v*`, `https://*`, "any host"},
		"a star inside":      {`refs/tags/v*"`, `refs/*/v1"`, "one star, at the end"},
		"a star elsewhere":   {`"push"`, `"pu*"`, "only identity and ref"},
		"no ref":             {`"ref": "refs/tags/v*"`, `"ref": "v*"`, "begin with refs/"},
		"a bare repository":  {`"example/app"`, `"app"`, "OWNER/REPOSITORY"},
		"issuer no URL":      {`https://token.actions.githubusercontent.com`, `github`, "no http or https URL"},
		"not JSON":           {`{`, `[`, ""},
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
	for _, field := range []string{"trust", "cache", "repository", "spki_sha256", "keyless", "trigger", "additionalProperties"} {
		if !strings.Contains(string(data), `"`+field+`"`) {
			t.Errorf("no %s", field)
		}
	}
}

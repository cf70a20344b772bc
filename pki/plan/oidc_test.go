package plan

import "testing"

func TestRules_OIDC(t *testing.T) {
	end := "    reason: targets change often, and root still needs two\n"
	good := end + `oidc:
  - issuer: https://token.actions.githubusercontent.com
  - {issuer: "https://gitlab.example.com", type: gitlab-pipeline, client_id: signing}
  - {issuer: "https://login.example.com", type: email}
  - {issuer: "https://jenkins.example.com", type: uri, domain: "https://ci.example.com"}
  - {issuer: "https://users.example.com", type: username, domain: example.com}
  - {issuer: "https://oidc.example.com", type: spiffe, domain: prod.example.com}
`
	if got := problemsOf(t, edit(t, full(t), end, good)); got != nil {
		t.Fatalf("got %v", got)
	}
	for _, c := range []struct{ provider, at, want string }{
		{`{issuer: "http://login.example.com", type: email}`, "oidc[0].issuer", "must begin with https://"},
		{`{issuer: "https://login.example.com"}`, "oidc[0].type", "gitlab-pipeline or github-workflow for an own"},
		{`{issuer: "https://gitlab.com", type: email}`, "oidc[0].type", "is of the type gitlab-pipeline"},
		{`{issuer: "https://login.example.com", type: mail}`, "oidc[0].type", "email"},
		{`{issuer: "https://login.example.com", type: email, domain: example.com}`, "oidc[0].domain", "email has no domain"},
		{`{issuer: "https://login.example.com", type: email, url: "https://example.com"}`, "oidc[0].url", "CI systems alone"},
		{`{issuer: "https://ci.example.com", type: uri}`, "oidc[0].domain", "like https://ci.example.com"},
		{`{issuer: "https://ci.example.com", type: uri, domain: "https://ci.example.org"}`, "oidc[0].domain", "issuer's own domain, example.com"},
		{`{issuer: "https://ci.example.com", type: username, domain: "https://ci.example.com"}`, "oidc[0].domain", "domain that follows"},
		{`{issuer: "https://ci.example.com", type: spiffe, domain: Example.com}`, "oidc[0].domain", "in lower case"},
		{`{issuer: "https://ci.example.com", type: spiffe}`, "oidc[0].domain", "in lower case"},
	} {
		wantOne(t, end, end+"oidc: ["+c.provider+"]\n", c.at, c.want)
	}
	one := `{issuer: "https://login.example.com", type: email}`
	wantOne(t, end, end+"oidc: ["+one+", "+one+"]\n", "oidc[1].issuer", "second time")
	wantOne(t, end, end+"oidc: [https://login.example.com]\n", "oidc[0]", "mapping")
}

func TestProvider_Site(t *testing.T) {
	for _, c := range []struct {
		Provider
		want string
	}{
		{Provider{Issuer: "https://token.actions.githubusercontent.com"}, "https://github.com"},
		{Provider{Issuer: "https://github.example.com/_services/token", Type: ProviderGitHub}, "https://github.example.com"},
		{Provider{Issuer: "https://token.actions.tenant.ghe.com", Type: ProviderGitHub}, "https://tenant.ghe.com"},
		{Provider{Issuer: "https://gitlab.com"}, "https://gitlab.com"},
		{Provider{Issuer: "https://gitlab.example.com", Type: ProviderGitLab}, "https://gitlab.example.com"},
		{Provider{Issuer: "https://agent.buildkite.com"}, "https://buildkite.com"},
		{Provider{Issuer: "http://127.0.0.1:1", Type: ProviderGitLab, URL: "https://gitlab.example.com"}, "https://gitlab.example.com"},
		{Provider{Issuer: "https://login.example.com", Type: ProviderEmail}, ""},
	} {
		if got := c.Site(); got != c.want {
			t.Errorf("%s: %q, want %q", c.Issuer, got, c.want)
		}
	}
}

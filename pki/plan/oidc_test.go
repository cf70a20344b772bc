package plan

import (
	"strings"
	"testing"
)

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
		{`{issuer: "https://login.example.com"}`, "oidc[0].type", "gitlab-pipeline or github-workflow for your own"},
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

// TestRules_CIProviders holds the plan's own templates to what Fulcio reads.
func TestRules_CIProviders(t *testing.T) {
	end := "    reason: targets change often, and root still needs two\n"
	provider := `oidc: [{issuer: "https://jenkins.example.com", type: ci-provider, ci_provider: jenkins}]` + "\n"
	templates := func(subject, claims, values string) string {
		return end + provider + "ci_providers:\n  jenkins:\n    subject: " + subject + "\n    claims: {" + claims + "}\n    values: [" + values + "]\n"
	}
	good := templates(`"{{ .url }}/job/{{ .job }}"`, `build-trigger: cause, source-repository-uri: "{{ .scm }}"`, `{name: url, value: "https://jenkins.example.com"}, {name: the_cause, value: ""}`)
	if got := problemsOf(t, edit(t, full(t), end, good)); got != nil {
		t.Fatalf("got %v", got)
	}
	for _, c := range []struct{ plan, at, want string }{
		{templates(`""`, "", ""), "ci_providers.jenkins.subject", "is missing"},
		{templates(`"{{ .url"`, "", ""), "ci_providers.jenkins.subject", "not a template that Fulcio can read"},
		{templates(`"https://a\nb"`, "", ""), "ci_providers.jenkins.subject", "unprintable"},
		{templates("sub", "trigger: cause", ""), "ci_providers.jenkins.claims.trigger", "build-trigger"},
		{templates("sub", "", "{name: a, value: b}, {name: a, value: c}"), "ci_providers.jenkins.values[1].name", "second time"},
		{templates("sub", "issuer: iss", ""), "ci_providers.jenkins.claims.issuer", "is not an extension that Fulcio fills"},
		{templates("sub", `build-trigger: "{{ if }}"`, ""), "ci_providers.jenkins.claims.build-trigger", "not a template"},
		{end + strings.Replace(provider, "ci_provider: jenkins", "ci_provider: other", 1), "oidc[0].ci_provider", "names no templates"},
		{end + strings.Replace(provider, ", ci_provider: jenkins", "", 1), "oidc[0].ci_provider", "is missing"},
		{end + strings.Replace(provider, "type: ci-provider", "type: email", 1), "oidc[0].ci_provider", "type ci-provider alone"},
		{end + "ci_providers: {jenkins: {subject: sub}}\n", "ci_providers.jenkins", "named by no identity provider"},
		{end + strings.ReplaceAll(provider, "jenkins}", "gitlab-pipeline-2}") + "ci_providers: {gitlab-pipeline-2: {subject: sub}}\n", "ci_providers.gitlab-pipeline-2", "Fulcio ships"},
	} {
		wantOne(t, end, c.plan, c.at, c.want)
	}
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

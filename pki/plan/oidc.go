package plan

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
)

// Provider is an identity provider whose word Fulcio takes for who signs.
type Provider struct {
	Issuer string `yaml:"issuer" json:"issuer"` // its issuer URL, byte for byte as tokens name it
	// Type says which of a token's claims become the certificate's. It may be
	// empty for an issuer that everybody uses, such as GitHub's.
	Type     string `yaml:"type,omitempty" json:"type,omitempty" jsonschema:"enum=email,enum=uri,enum=username,enum=spiffe,enum=kubernetes,enum=chainguard-identity,enum=github-workflow,enum=gitlab-pipeline,enum=buildkite-job,enum=codefresh-workflow,enum=circleci-job,enum=ci-provider"`
	ClientID string `yaml:"client_id,omitempty" json:"client_id,omitempty"` // audience that tokens are asked for; empty is sigstore
	// Domain is what the subjects belong to: the trust domain of spiffe, the URL
	// of uri (https://example.com), the domain of username.
	Domain string `yaml:"domain,omitempty" json:"domain,omitempty"`
	// URL is where a CI system shows its repositories, for one that is not told
	// by the issuer's URL.
	URL string `yaml:"url,omitempty" json:"url,omitempty"`
	// CIProvider names the plan's own templates for a provider of the type
	// ci-provider.
	CIProvider string `yaml:"ci_provider,omitempty" json:"ci_provider,omitempty"`
}

// Types of identity providers (Fulcio 1.8 pkg/config).
const (
	ProviderEmail     = "email"
	ProviderURI       = "uri"
	ProviderUsername  = "username"
	ProviderSPIFFE    = "spiffe"
	ProviderGitHub    = "github-workflow"
	ProviderGitLab    = "gitlab-pipeline"
	ProviderBuildkite = "buildkite-job"
	ProviderCodefresh = "codefresh-workflow"
	ProviderCircleCI  = "circleci-job"
	ProviderCI        = "ci-provider" // by the plan's own templates
)

// ciProviders are the types that Fulcio reads with a template, and where their
// repositories are shown unless the issuer says so; empty asks the issuer.
var ciProviders = map[string]string{
	ProviderGitHub: "", ProviderGitLab: "", ProviderBuildkite: "https://buildkite.com",
	ProviderCodefresh: "https://g.codefresh.io", ProviderCircleCI: "https://circleci.com/api/v2",
}

// wellKnown are the types of issuers that everybody uses.
var wellKnown = map[string]string{
	"https://token.actions.githubusercontent.com": ProviderGitHub,
	"https://gitlab.com":                          ProviderGitLab,
	"https://agent.buildkite.com":                 ProviderBuildkite,
	"https://oidc.codefresh.io":                   ProviderCodefresh,
	"https://oidc.circleci.com":                   ProviderCircleCI,
	"https://accounts.google.com":                 ProviderEmail,
	"https://issuer.enforce.dev":                  "chainguard-identity",
}

// Kind is the provider's type, also of one that everybody uses.
func (p Provider) Kind() string { return cmp.Or(p.Type, wellKnown[p.Issuer]) }

// Audience is what tokens are asked for.
func (p Provider) Audience() string { return cmp.Or(p.ClientID, "sigstore") }

// Site is where a CI system shows its repositories, and empty for a provider
// that is not one.
func (p Provider) Site() string {
	site, isCI := ciProviders[p.Kind()]
	u, err := url.Parse(p.Issuer)
	switch {
	case !isCI || err != nil:
		return ""
	case p.URL != "" || site != "":
		return cmp.Or(p.URL, site)
	case p.Issuer == "https://token.actions.githubusercontent.com":
		return "https://github.com"
	case p.Kind() == ProviderGitHub:
		// GitHub Enterprise Server issues at HOST/_services/token, a tenant of
		// ghe.com at token.actions.NAME.ghe.com
		return u.Scheme + "://" + strings.TrimPrefix(u.Host, "token.actions.")
	}
	return strings.TrimSuffix(p.Issuer, "/")
}

// oidc checks the identity providers. Issuers are compared byte by byte (OpenID
// Connect Discovery 1.0, 3).
func oidc(r *report, p *Plan) {
	for i, provider := range p.OIDC {
		path := index("oidc", i)
		form(r, path+".issuer", provider.Issuer, badURL)
		if slices.IndexFunc(p.OIDC, func(other Provider) bool { return other.Issuer == provider.Issuer }) < i {
			r.add(path+".issuer", "stands there a second time")
		}
		known := wellKnown[provider.Issuer]
		switch {
		case provider.Kind() == "":
			r.add(path+".type", "is missing, and %s is not an issuer that everybody uses: write email for people who log in, gitlab-pipeline or github-workflow for your own GitLab or GitHub Enterprise Server, or another; with the wrong one Fulcio answers 400 to every token", provider.Issuer)
			continue
		case known != "" && provider.Type != "" && provider.Type != known:
			r.add(path+".type", "%s is of the type %s: with %s Fulcio answers 400 to every token", provider.Issuer, known, provider.Type)
		}
		if provider.Type != "" {
			oneOf(r, path+".type", provider.Type, ProviderEmail, ProviderURI, ProviderUsername, ProviderSPIFFE, "kubernetes", "chainguard-identity",
				ProviderGitHub, ProviderGitLab, ProviderBuildkite, ProviderCodefresh, ProviderCircleCI, ProviderCI)
		}
		switch _, defined := p.CIProviders[provider.CIProvider]; {
		case provider.Kind() == ProviderCI && provider.CIProvider == "":
			r.add(path+".ci_provider", "is missing: name templates under ci_providers")
		case provider.Kind() == ProviderCI && !defined:
			r.add(path+".ci_provider", "names no templates under ci_providers: Fulcio would refuse every token of %s", provider.Issuer)
		case provider.Kind() != ProviderCI && provider.CIProvider != "":
			r.add(path+".ci_provider", "goes with the type ci-provider alone: %s has templates of Fulcio's own or needs none", provider.Kind())
		}
		if _, isCI := ciProviders[provider.Kind()]; provider.URL != "" && !isCI {
			r.add(path+".url", "is for CI systems alone: %s has no repositories", provider.Kind())
		} else if provider.URL != "" {
			form(r, path+".url", provider.URL, badBaseURL)
		}
		if reason := badProviderDomain(provider); reason != "" {
			r.add(path+".domain", "%s", reason)
		}
		if provider.ClientID != "" {
			form(r, path+".client_id", provider.ClientID, badText)
		}
	}
}

// badProviderDomain says what Fulcio refuses at its start: it wants subjects
// from the issuer's own domain, its last two labels (Fulcio pkg/config,
// validateAllowedDomain).
func badProviderDomain(p Provider) string {
	kind, host := p.Kind(), p.Domain
	issuer, err := url.Parse(p.Issuer)
	if err != nil {
		return ""
	}
	switch kind {
	case ProviderSPIFFE:
		if !trustDomain(p.Domain) {
			return "must be the SPIFFE trust domain, in lower case, like example.com"
		}
		return ""
	case ProviderURI:
		u, err := url.Parse(p.Domain)
		if err != nil || u.Scheme != issuer.Scheme || u.Host == "" {
			return "must be the URL that the subjects begin with, like " + issuer.Scheme + "://" + issuer.Hostname()
		}
		host = u.Hostname()
	case ProviderUsername:
		if host == "" || strings.ContainsAny(host, "/:@!") {
			return "must be the domain that follows the user's name, like " + issuer.Hostname()
		}
	default:
		if p.Domain != "" {
			return kind + " has no domain: remove it"
		}
		return ""
	}
	if host != issuer.Hostname() && lastLabels(host) != lastLabels(issuer.Hostname()) {
		return "Fulcio wants subjects of the issuer's own domain, " + lastLabels(issuer.Hostname())
	}
	return ""
}

// trustDomain reports whether a text is a SPIFFE trust domain.
func trustDomain(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_'
	})
}

func lastLabels(host string) string {
	labels := strings.Split(host, ".")
	return strings.Join(labels[max(0, len(labels)-2):], ".")
}

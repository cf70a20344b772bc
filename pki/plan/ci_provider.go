package plan

import (
	"maps"
	"slices"
	"strings"
	"text/template"
)

// CIProvider says how Fulcio reads the tokens of a CI system that it ships no
// templates for: the ci-issuer-metadata of its configuration (Fulcio 1.8
// pkg/config). A text with {{ is a template over the token's claims, any other
// the name of a claim.
type CIProvider struct {
	Subject string            `yaml:"subject" json:"subject"`                   // the certificate's subject alternative name, a URI
	Claims  map[string]string `yaml:"claims,omitempty" json:"claims,omitempty"` // by extension of the certificate, in Fulcio's words: build-trigger
	// Values are what the texts may name beside the token's claims, such as the
	// system's URL. A claim of the same name comes first.
	Values []CIValue `yaml:"values,omitempty" json:"values,omitempty"`
}

// CIValue is a text that templates know by a name.
type CIValue struct {
	Name  string `yaml:"name" json:"name"`
	Value string `yaml:"value" json:"value"` // empty stands in for a claim that tokens may lack
}

// extensions are the certificate extensions that Fulcio fills by a template
// (Fulcio 1.8 pkg/certificate, Extensions). Issuer and subject are the token's.
var extensions = []string{
	"build-config-digest", "build-config-uri", "build-signer-digest", "build-signer-uri", "build-trigger", "deployment-environment",
	"github-workflow-name", "github-workflow-ref", "github-workflow-repository", "github-workflow-sha", "github-workflow-trigger",
	"run-invocation-uri", "runner-environment", "source-repository-digest", "source-repository-identifier", "source-repository-owner-identifier",
	"source-repository-owner-uri", "source-repository-ref", "source-repository-uri", "source-repository-visibility-at-signing",
}

// checkCIProviders checks the templates of the plan's own CI systems as Fulcio does
// at its start, and what it would only find at the first token.
func checkCIProviders(r *report, p *Plan) {
	for _, name := range slices.Sorted(maps.Keys(p.CIProviders)) {
		path, c := join("ci_providers", name), p.CIProviders[name]
		shipped := func(kind string) bool { return strings.HasPrefix(name, kind) }
		switch {
		case !nameForm.MatchString(name) || len(name) > maxName:
			r.add(path, "is not a name: write lower-case letters, digits and hyphens")
		case slices.ContainsFunc(slices.Collect(maps.Keys(ciProviders)), shipped):
			r.add(path, "is the name of templates that Fulcio ships: choose another")
		case !slices.ContainsFunc(p.OIDC, func(o Provider) bool { return o.CIProvider == name }):
			r.add(path, "is named by no identity provider: write ci_provider: %s at one under oidc, or remove it", name)
		}
		if c.Subject == "" {
			r.add(path+".subject", "is missing: Fulcio would refuse every token")
		} else {
			form(r, path+".subject", c.Subject, badTemplate)
		}
		for _, key := range slices.Sorted(maps.Keys(c.Claims)) {
			at := join(path+".claims", key)
			if !r.ok(at) {
				continue
			}
			if !slices.Contains(extensions, key) {
				r.add(at, "is not an extension that Fulcio fills: write one of %s", strings.Join(extensions, ", "))
				continue
			}
			form(r, at, c.Claims[key], badTemplate)
		}
		for i, v := range c.Values {
			at := index(path+".values", i)
			form(r, at+".name", v.Name, badText)
			if v.Value != "" {
				form(r, at+".value", v.Value, badText)
			}
			if slices.IndexFunc(c.Values, func(other CIValue) bool { return other.Name == v.Name }) < i {
				r.add(at+".name", "stands there a second time")
			}
		}
	}
}

// badTemplate says what keeps Fulcio from reading a template.
func badTemplate(s string) string {
	if reason := badText(s); reason != "" {
		return reason
	}
	if _, err := template.New("").Parse(s); err != nil {
		return "is not a template that Fulcio can read: " + strings.TrimPrefix(err.Error(), "template: ")
	}
	return ""
}

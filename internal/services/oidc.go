package services

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"unicode/utf8"

	"github.com/linnemanlabs/trustroot/pki/plan"
)

// issuer is one identity provider in Fulcio's configuration.
type issuer struct {
	plan.Provider
	// CI names the templates by which Fulcio reads a CI system's claims, and is
	// empty for others. Two systems of one type at other places have their own.
	CI string
	// Own are the plan's own templates.
	Own plan.CIProvider
}

// fulcioConfig is Fulcio's OIDC configuration, for the plan's identity providers
// and its own templates.
func fulcioConfig(providers []plan.Provider, own map[string]plan.CIProvider) ([]byte, error) {
	if len(providers) == 0 {
		return nil, errors.New("the plan names no identity provider under oidc: Fulcio would issue to nobody")
	}
	var config struct{ Providers, CI []issuer }
	for _, p := range slices.SortedFunc(slices.Values(providers), func(a, b plan.Provider) int { return cmp.Compare(a.Issuer, b.Issuer) }) {
		u, err := url.Parse(p.Issuer)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || !utf8.ValidString(p.Issuer) {
			return nil, fmt.Errorf("identity provider %q is not an http or https URL", p.Issuer)
		}
		if p.Kind() == "" {
			return nil, fmt.Errorf("identity provider %s has no type in the plan: Fulcio would answer 400 to its tokens", p.Issuer)
		}
		i := issuer{Provider: p}
		if site := p.Site(); site != "" {
			of := slices.IndexFunc(config.CI, func(other issuer) bool { return other.Kind() == p.Kind() && other.Site() == site })
			if of < 0 {
				i.CI = p.Kind()
				if slices.ContainsFunc(config.CI, func(other issuer) bool { return other.CI == i.CI }) {
					i.CI = fmt.Sprintf("%s-%d", p.Kind(), len(config.CI)+1)
				}
				config.CI = append(config.CI, i)
			} else {
				i.CI = config.CI[of].CI
			}
		}
		if p.Kind() == plan.ProviderCI {
			i.CI, i.Own = p.CIProvider, own[p.CIProvider]
			if i.Own.Subject == "" {
				return nil, fmt.Errorf("the plan's ci_providers have no subject of %q, by which Fulcio would read the tokens of %s", p.CIProvider, p.Issuer)
			}
			if !slices.ContainsFunc(config.CI, func(other issuer) bool { return other.CI == i.CI }) {
				config.CI = append(config.CI, i)
			}
		}
		config.Providers = append(config.Providers, i)
	}
	return execute("fulcio.yaml.tmpl", config)
}

// servedType is the type that Fulcio says a provider is of.
func servedType(p plan.Provider) string {
	if p.Site() != "" {
		return plan.ProviderCI
	}
	return p.Kind()
}

package services

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/linnemanlabs/trustroot/pki/plan"
)

// askFulcio asks for the chains that Fulcio issues under, and for the identity
// providers that it believes (fulcio.proto, GetTrustBundle, GetConfiguration).
func askFulcio(ctx context.Context, q *inquiry) {
	at := q.URL + "/api/v2/trustBundle"
	if data, ok := get(ctx, q, at); ok {
		chains, err := parseTrustBundle(data)
		if err != nil {
			badAnswer(q, at, err)
		}
		known := readChains(q)
		for _, chain := range chains {
			checkChain(q, chain, known, CheckFulcioChain)
		}
	}
	if q.away {
		return
	}
	at = q.URL + "/api/v2/configuration"
	if data, ok := get(ctx, q, at); ok {
		issuers, err := parseIssuers(data)
		if err != nil {
			badAnswer(q, at, err)
			return
		}
		checkIssuers(q, issuers)
	}
}

// checkIssuers compares the identity providers with the plan's: one too few
// signs for nobody, one too many for anybody.
func checkIssuers(q *inquiry, served []servedIssuer) {
	repair := "give it the fulcio.yaml that `trustroot services render " + q.Name + "` writes, or correct the plan's oidc"
	trim := func(s string) string { return strings.TrimSuffix(s, "/") }
	if len(q.source.Plan.OIDC) == 0 {
		all := make([]string, 0, len(served))
		for _, s := range served {
			all = append(all, firstLine([]byte(s.URL)))
		}
		q.notice("issuers-unknown", "write those that it should believe into the plan's oidc", "the plan names no identity provider to compare with; it believes %s", cmp.Or(strings.Join(all, ", "), "none"))
		return
	}
	for _, want := range q.source.Plan.OIDC {
		i := slices.IndexFunc(served, func(s servedIssuer) bool { return trim(s.URL) == trim(want.Issuer) })
		if i < 0 {
			q.mismatch("issuer-missing", repair, "it does not believe the plan's identity provider %s", want.Issuer)
			continue
		}
		checkIssuer(q, want, served[i], repair)
	}
	for _, s := range served {
		if !slices.ContainsFunc(q.source.Plan.OIDC, func(want plan.Provider) bool { return trim(s.URL) == trim(want.Issuer) }) {
			q.mismatch("issuer-unplanned", repair, "it believes the identity provider %s, which the plan does not name", firstLine([]byte(s.URL)))
		}
	}
}

// checkIssuer compares what Fulcio says of one identity provider with the plan.
// A native type of the same name reads the same tokens as its template does.
func checkIssuer(q *inquiry, want plan.Provider, s servedIssuer, repair string) {
	if s.Type != "" && s.Type != servedType(want) && (s.Type != want.Kind() || want.URL != "") {
		q.mismatch("issuer-type", repair, "it takes %s for %s, the plan's type is %s: with the wrong one it answers 400 to every token, or writes other claims into certificates",
			want.Issuer, firstLine([]byte(s.Type)), want.Kind())
	}
	if s.SkipEmailVerification {
		q.mismatch("issuer-email-unverified", repair, "it takes e-mail addresses of %s without proof that they are the person's (skip-email-verification): anybody may sign as anybody", want.Issuer)
	}
	domain := cmp.Or(s.TrustDomain, s.SubjectDomain)
	if domain != want.Domain {
		q.mismatch("issuer-domain", repair, "it takes subjects of %q from %s, the plan says %q", firstLine([]byte(domain)), want.Issuer, want.Domain)
	}
	if s.Audience != "" && s.Audience != want.Audience() {
		q.notice("issuer-audience", repair, "it takes tokens of %s for the audience %q, not %q: one that was asked for something else may get a certificate",
			want.Issuer, firstLine([]byte(s.Audience)), want.Audience())
	}
}

// parseTrustBundle reads what Fulcio answers at /api/v2/trustBundle: chains,
// each certificate as PEM in a string of its own.
func parseTrustBundle(data []byte) ([][]*x509.Certificate, error) {
	var bundle struct {
		Chains []struct {
			Certificates []string `json:"certificates"`
		} `json:"chains"`
	}
	if err := json.Unmarshal(data, &bundle); err != nil {
		return nil, fmt.Errorf("no trust bundle: %w", err)
	}
	if len(bundle.Chains) == 0 || len(bundle.Chains) > maxChain {
		return nil, fmt.Errorf("a trust bundle of %d chains", len(bundle.Chains))
	}
	var out [][]*x509.Certificate
	for i, c := range bundle.Chains {
		if len(c.Certificates) == 0 {
			return nil, fmt.Errorf("chain %d of the trust bundle is empty", i+1)
		}
		chain, err := parseChain([]byte(strings.Join(c.Certificates, "\n")))
		if err != nil {
			return nil, fmt.Errorf("chain %d of the trust bundle: %w", i+1, err)
		}
		out = append(out, chain)
	}
	return out, nil
}

// servedIssuer is an identity provider that Fulcio believes.
type servedIssuer struct {
	URL                   string `json:"issuerUrl"`
	Wildcard              string `json:"wildcardIssuerUrl"`
	Audience              string `json:"audience"`
	Type                  string `json:"issuerType"`
	TrustDomain           string `json:"spiffeTrustDomain"`
	SubjectDomain         string `json:"subjectDomain"`
	SkipEmailVerification bool   `json:"skipEmailVerification"`
}

// parseIssuers reads what Fulcio answers at /api/v2/configuration.
func parseIssuers(data []byte) ([]servedIssuer, error) {
	var config struct {
		Issuers []servedIssuer `json:"issuers"`
	}
	if err := json.Unmarshal(data, &config); err != nil {
		return nil, fmt.Errorf("no configuration: %w", err)
	}
	for i := range config.Issuers {
		s := &config.Issuers[i]
		if s.URL += s.Wildcard; s.URL == "" {
			return nil, errors.New("an identity provider without URL")
		}
	}
	return config.Issuers, nil
}

package services

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// askFulcio asks for the chains that Fulcio issues under, and for the identity
// providers that it believes (fulcio.proto, GetTrustBundle, GetConfiguration).
func (q *inquiry) askFulcio(ctx context.Context) {
	at := q.URL + "/api/v2/trustBundle"
	if data, ok := q.get(ctx, at); ok {
		chains, err := parseTrustBundle(data)
		if err != nil {
			q.badAnswer(at, err)
		}
		known := q.chains()
		for _, chain := range chains {
			q.checkChain(chain, known, CheckFulcioChain)
		}
	}
	if len(q.source.Plan.OIDC) == 0 || q.away {
		return
	}
	at = q.URL + "/api/v2/configuration"
	if data, ok := q.get(ctx, at); ok {
		issuers, err := parseIssuers(data)
		if err != nil {
			q.badAnswer(at, err)
			return
		}
		q.checkIssuers(issuers)
	}
}

// checkIssuers compares the identity providers with the plan's: one too few
// signs for nobody, one too many for anybody.
func (q *inquiry) checkIssuers(served []string) {
	repair := "give it the fulcio.yaml that `trustroot services render " + q.Name + "` writes, or correct the plan's oidc"
	trim := func(s string) string { return strings.TrimSuffix(s, "/") }
	for _, want := range q.source.Plan.OIDC {
		if !slices.ContainsFunc(served, func(s string) bool { return trim(s) == trim(want) }) {
			q.mismatch("issuer-missing", repair, "it does not believe the plan's identity provider %s", want)
		}
	}
	for _, s := range served {
		if !slices.ContainsFunc(q.source.Plan.OIDC, func(want string) bool { return trim(s) == trim(want) }) {
			q.mismatch("issuer-unplanned", repair, "it believes the identity provider %s, which the plan does not name", firstLine([]byte(s)))
		}
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

// parseIssuers reads what Fulcio answers at /api/v2/configuration.
func parseIssuers(data []byte) ([]string, error) {
	var config struct {
		Issuers []struct {
			URL      string `json:"issuerUrl"`
			Wildcard string `json:"wildcardIssuerUrl"`
		} `json:"issuers"`
	}
	if err := json.Unmarshal(data, &config); err != nil {
		return nil, fmt.Errorf("no configuration: %w", err)
	}
	var out []string
	for _, i := range config.Issuers {
		if i.URL+i.Wildcard == "" {
			return nil, errors.New("an identity provider without URL")
		}
		out = append(out, i.URL+i.Wildcard)
	}
	return out, nil
}

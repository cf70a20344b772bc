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
	if q.away {
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
func (q *inquiry) checkIssuers(served []servedIssuer) {
	repair := "give it the fulcio.yaml that `trustroot services render " + q.Name + "` writes, or correct the plan's oidc"
	trim := func(s string) string { return strings.TrimSuffix(s, "/") }
	if len(q.source.Plan.OIDC) == 0 {
		var all []string
		for _, s := range served {
			all = append(all, firstLine([]byte(s.URL)))
		}
		q.notice("issuers-unknown", "write those that it should believe into the plan's oidc", "the plan names no identity provider to compare with; it believes %s", cmp.Or(strings.Join(all, ", "), "none"))
		return
	}
	for _, want := range q.source.Plan.OIDC {
		if !slices.ContainsFunc(served, func(s servedIssuer) bool { return trim(s.URL) == trim(want) }) {
			q.mismatch("issuer-missing", repair, "it does not believe the plan's identity provider %s", want)
		}
	}
	for _, s := range served {
		if !slices.ContainsFunc(q.source.Plan.OIDC, func(want string) bool { return trim(s.URL) == trim(want) }) {
			q.mismatch("issuer-unplanned", repair, "it believes the identity provider %s, which the plan does not name", firstLine([]byte(s.URL)))
		}
		if s.Audience != "" && s.Audience != audience {
			q.notice("issuer-audience", repair, "it takes tokens of %s for the audience %q, not %q: one that was asked for something else may get a certificate",
				firstLine([]byte(s.URL)), firstLine([]byte(s.Audience)), audience)
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

// servedIssuer is an identity provider that Fulcio believes.
type servedIssuer struct{ URL, Audience string }

// audience is the one that rendering writes, and that Sigstore's clients ask
// tokens for.
const audience = "sigstore"

// parseIssuers reads what Fulcio answers at /api/v2/configuration.
func parseIssuers(data []byte) ([]servedIssuer, error) {
	var config struct {
		Issuers []struct {
			URL      string `json:"issuerUrl"`
			Wildcard string `json:"wildcardIssuerUrl"`
			Audience string `json:"audience"`
		} `json:"issuers"`
	}
	if err := json.Unmarshal(data, &config); err != nil {
		return nil, fmt.Errorf("no configuration: %w", err)
	}
	var out []servedIssuer
	for _, i := range config.Issuers {
		if i.URL+i.Wildcard == "" {
			return nil, errors.New("an identity provider without URL")
		}
		out = append(out, servedIssuer{i.URL + i.Wildcard, i.Audience})
	}
	return out, nil
}

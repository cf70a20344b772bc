package trustedroot

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	prototrustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"

	"github.com/linnemanlabs/trustroot/pki/finding"
)

// LintSigningConfig judges a signing config, ours or not, as Lint does a
// trusted root.
func LintSigningConfig(data []byte, o LintOptions) ([]finding.Finding, error) {
	msg := &prototrustroot.SigningConfig{}
	return lintAny(data, o, msg, func(l *linter) { signingConfig(l, msg) }, Judge.SigningConfig)
}

func signingConfig(l *linter, msg *prototrustroot.SigningConfig) {
	if got := msg.GetMediaType(); got != SigningConfigMediaType {
		l.add(ruleSCMediaType, "$.mediaType", fmt.Sprintf("The media type is %q", got), fmt.Sprintf("Write %q", SigningConfigMediaType))
	}
	if len(msg.GetCaUrls()) == 0 {
		l.add(ruleSCEmpty, "$.caUrls", "There is no Fulcio to ask for a certificate", "Add its base URL")
	}
	if len(msg.GetRekorTlogUrls()) == 0 {
		l.add(ruleSCEmpty, "$.rekorTlogUrls", "There is no Rekor log to write to", "Add its base URL")
	}
	v2 := slices.ContainsFunc(msg.GetRekorTlogUrls(), func(s *prototrustroot.Service) bool { return s.GetMajorApiVersion() == rekorAPI })
	if v2 && len(msg.GetTsaUrls()) == 0 {
		l.add(ruleSCNoTSA, "$.tsaUrls", "There is no timestamp authority, and Rekor v2 signs no time: what is signed cannot be verified", "Add the TSA's full endpoint")
	}
	lintServices(l, "caUrls", msg.GetCaUrls(), fulcioAPI)
	lintServices(l, "oidcUrls", msg.GetOidcUrls(), 1)
	lintServices(l, "rekorTlogUrls", msg.GetRekorTlogUrls(), 1, rekorAPI)
	lintServices(l, "tsaUrls", msg.GetTsaUrls(), tsaAPI)
	selection(l, "rekorTlogConfig", msg.GetRekorTlogConfig(), msg.GetRekorTlogUrls())
	selection(l, "tsaConfig", msg.GetTsaConfig(), msg.GetTsaUrls())
	publicServices(l, msg)
}

// lintServices judges one list. versions are the API versions that exist.
func lintServices(l *linter, list string, services []*prototrustroot.Service, versions ...uint32) {
	spans := make([]span, 0, len(services))
	seen := map[string]string{}
	for i, s := range services {
		path := fmt.Sprintf("$.%s[%d]", list, i)
		lintServiceURL(l, list, path+".url", s.GetUrl())
		if v := s.GetMajorApiVersion(); !slices.Contains(versions, v) {
			r := ruleSCVersion
			if list == "oidcUrls" {
				r.effects = goDoes(Accepts, nil)
			}
			l.add(r, path+".majorApiVersion", fmt.Sprintf("There is no API version %d of this service", v), fmt.Sprintf("Write %d", versions[len(versions)-1]))
		}
		operator(l, path+".operator", s.GetOperator())
		sp := newSpan(path, s.GetUrl(), s.GetValidFor())
		if sp.start.IsZero() {
			l.add(ruleSCWindow, path+".validFor", "The service has no validFor with a start", "Write the instant of first use as start")
		}
		if sp.hasEnd && sp.end.Before(sp.start) {
			l.add(ruleSCBackwards, path+".validFor", fmt.Sprintf("The window ends %s, before it opens %s", stamp(sp.end), stamp(sp.start)), "Exchange start and end, or correct them")
		}
		if i > 0 && sp.start.After(spans[i-1].start) {
			l.add(ruleSCOrder, path, fmt.Sprintf("The service opens %s, after the one above (%s)", stamp(sp.start), stamp(spans[i-1].start)), "Order services by start, the newest first")
		}
		if first, ok := seen[s.GetUrl()]; ok {
			l.add(ruleSCTwice, path+".url", fmt.Sprintf("The same URL stands in %s", first), "Write one entry with the whole window")
		} else {
			seen[s.GetUrl()] = path
		}
		spans = append(spans, sp)
	}
	if at := l.options.At; !at.IsZero() && len(spans) > 0 && !slices.ContainsFunc(spans, func(s span) bool { return s.contains(at) }) {
		l.add(ruleSCCurrent, "$."+list, fmt.Sprintf("No service is valid at %s", stamp(at)), "Add the one that is in use")
	}
}

// lintServiceURL judges one URL: of a TSA the endpoint itself, of all others the
// base on which clients build.
func lintServiceURL(l *linter, list, path, raw string) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme == "" || u.Hostname() == "" {
		l.add(ruleSCURL, path, fmt.Sprintf("The URL %q has no scheme and host", raw), "Write https:// and the host")
		return
	}
	trimmed := strings.Trim(u.Path, "/")
	switch {
	case list == "tsaUrls" && trimmed == "":
		l.add(ruleSCTSAPath, path, "The TSA's URL has no path, and signers ask at exactly this URL: Sigstore's server answers at /api/v1/timestamp alone", "Append the path, unless the service answers without one")
	case list != "tsaUrls" && (strings.HasPrefix(trimmed, "api/") || strings.Contains(trimmed, "/api/") || strings.HasPrefix(trimmed, ".well-known")):
		l.add(ruleSCURL, path, "The URL is an endpoint, not the service's base", "Remove the path: clients append it")
	case strings.HasSuffix(raw, "/"):
		l.add(ruleSCURLForm, path, "The URL ends in a slash", "Remove the slash: clients append their own")
	case u.Scheme != "https" && u.Scheme != "http":
		l.add(ruleSCURL, path, fmt.Sprintf("The scheme is %s", u.Scheme), "Write https://")
	}
}

func operator(l *linter, path, operator string) {
	switch {
	case operator == "":
		l.add(ruleSCOperator, path, "The service has no operator", "Write the operator's domain: clients choose one service of each operator")
	case strings.Contains(operator, "://"):
		l.add(ruleSCOperator, path, fmt.Sprintf("The operator %q has a scheme", operator), "Write it without the scheme")
	}
}

// selection judges how signers choose among services.
func selection(l *linter, name string, c *prototrustroot.ServiceConfiguration, services []*prototrustroot.Service) {
	path := "$." + name
	if c == nil {
		l.add(ruleSCSelect, path, fmt.Sprintf("%s is missing", name), `Write {"selector": "ANY"}, even where there is no such service`)
		return
	}
	operators := map[string]bool{}
	for _, s := range services {
		operators[s.GetOperator()] = true
	}
	switch c.GetSelector() {
	case prototrustroot.ServiceSelector_ALL, prototrustroot.ServiceSelector_ANY:
	case prototrustroot.ServiceSelector_EXACT:
		if n := int(c.GetCount()); n < 1 || n > len(operators) {
			l.add(ruleSCSelector, path+".count", fmt.Sprintf("The selector asks for %d services, and the number of operators is %d", n, len(operators)), "Write a count between one and the number of operators")
		}
	default:
		l.add(ruleSCSelector, path+".selector", fmt.Sprintf("The selector is %s", c.GetSelector()), `Write "ANY" or "ALL", or "EXACT" with a count`)
	}
}

// publicServices reports services of the public Sigstore in a private config:
// signing there would show private names to the world. A list of logs or TSAs
// that has both, and a selector that asks for more than one of them, is meant.
func publicServices(l *linter, msg *prototrustroot.SigningConfig) {
	type serviceList struct {
		name     string
		services []*prototrustroot.Service
		config   *prototrustroot.ServiceConfiguration
	}
	lists := []serviceList{
		{"caUrls", msg.GetCaUrls(), nil},
		{"oidcUrls", msg.GetOidcUrls(), nil},
		{"rekorTlogUrls", msg.GetRekorTlogUrls(), msg.GetRekorTlogConfig()},
		{"tsaUrls", msg.GetTsaUrls(), msg.GetTsaConfig()},
	}
	public := func(s *prototrustroot.Service) bool { return isPublic(s.GetUrl()) }
	own := func(s *prototrustroot.Service) bool { return !public(s) }
	if !slices.ContainsFunc(lists, func(list serviceList) bool { return slices.ContainsFunc(list.services, own) }) {
		return
	}
	for _, list := range lists {
		both := list.config != nil && slices.ContainsFunc(list.services, own)
		switch many := list.config.GetSelector(); {
		case both && many == prototrustroot.ServiceSelector_ANY && slices.ContainsFunc(list.services, public):
			l.add(ruleSCBoth, "$."+list.name, "The list has your own services and public ones, and the selector ANY takes one of them", `Write "ALL", or "EXACT" with a count, to use both`)
			continue
		case both:
			continue
		}
		for i, s := range list.services {
			if public(s) {
				l.add(ruleSCPublic, fmt.Sprintf("$.%s[%d].url", list.name, i), "This is a service of the public Sigstore in a private config", "Write your own service's URL, or remove it")
			}
		}
	}
}

func host(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	return u.Hostname()
}

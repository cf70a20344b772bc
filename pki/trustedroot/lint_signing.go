package trustedroot

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	prototrustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"google.golang.org/protobuf/proto"
)

// LintSigningConfig judges a signing config, ours or not, as Lint does a
// trusted root.
func LintSigningConfig(data []byte, o LintOptions) ([]Finding, error) {
	l, err := newLinter(data, o)
	if err != nil {
		return nil, err
	}
	msg := &prototrustroot.SigningConfig{}
	if l.read(msg) {
		l.signingConfig(msg)
		if err := l.pairWith(msg); err != nil {
			return nil, err
		}
	}
	if _, err := CheckSigningConfig(data); err != nil {
		l.refused(err)
	}
	return l.done(), nil
}

func (l *linter) signingConfig(msg *prototrustroot.SigningConfig) {
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
	l.services("caUrls", msg.GetCaUrls(), fulcioAPI)
	l.services("oidcUrls", msg.GetOidcUrls(), 1)
	l.services("rekorTlogUrls", msg.GetRekorTlogUrls(), 1, rekorAPI)
	l.services("tsaUrls", msg.GetTsaUrls(), tsaAPI)
	l.selection("rekorTlogConfig", msg.GetRekorTlogConfig(), msg.GetRekorTlogUrls())
	l.selection("tsaConfig", msg.GetTsaConfig(), msg.GetTsaUrls())
	l.publicServices(msg)
}

// services judges one list. versions are the API versions that exist.
func (l *linter) services(list string, services []*prototrustroot.Service, versions ...uint32) {
	var spans []span
	seen := map[string]string{}
	for i, s := range services {
		path := fmt.Sprintf("$.%s[%d]", list, i)
		l.serviceURL(list, path+".url", s.GetUrl())
		if v := s.GetMajorApiVersion(); !slices.Contains(versions, v) {
			r := ruleSCVersion
			if list == "oidcUrls" {
				r.effects = goDoes(Accepts, nil)
			}
			l.add(r, path+".majorApiVersion", fmt.Sprintf("There is no API version %d of this service", v), fmt.Sprintf("Write %d", versions[len(versions)-1]))
		}
		l.operator(path+".operator", s.GetOperator())
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

// serviceURL judges one URL: of a TSA the endpoint itself, of all others the
// base on which clients build.
func (l *linter) serviceURL(list, path, raw string) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme == "" || u.Hostname() == "" {
		l.add(ruleSCURL, path, fmt.Sprintf("The URL %q has no scheme and host", raw), "Write https:// and the host")
		return
	}
	trimmed := strings.Trim(u.Path, "/")
	switch {
	case list == "tsaUrls" && trimmed == "":
		l.add(ruleSCURL, path, "The URL is the TSA's base, not its endpoint", "Append the path, /api/v1/timestamp for Sigstore's TSA")
	case list != "tsaUrls" && (strings.HasPrefix(trimmed, "api/") || strings.Contains(trimmed, "/api/") || strings.HasPrefix(trimmed, ".well-known")):
		l.add(ruleSCURL, path, "The URL is an endpoint, not the service's base", "Remove the path: clients append it")
	case strings.HasSuffix(raw, "/"):
		l.add(ruleSCURLForm, path, "The URL ends in a slash", "Remove the slash: clients append their own")
	case u.Scheme != "https" && u.Scheme != "http":
		l.add(ruleSCURL, path, fmt.Sprintf("The scheme is %s", u.Scheme), "Write https://")
	}
}

func (l *linter) operator(path, operator string) {
	switch {
	case operator == "":
		l.add(ruleSCOperator, path, "The service has no operator", "Write the operator's domain: clients choose one service of each operator")
	case strings.Contains(operator, "://"):
		l.add(ruleSCOperator, path, fmt.Sprintf("The operator %q has a scheme", operator), "Write it without the scheme")
	}
}

// selection judges how signers choose among services.
func (l *linter) selection(name string, c *prototrustroot.ServiceConfiguration, services []*prototrustroot.Service) {
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
// signing there would show private names to the world.
func (l *linter) publicServices(msg *prototrustroot.SigningConfig) {
	var public []string
	private := false
	each := func(list string, services []*prototrustroot.Service) {
		for i, s := range services {
			if isPublic(s.GetUrl()) {
				public = append(public, fmt.Sprintf("$.%s[%d].url", list, i))
			} else {
				private = true
			}
		}
	}
	each("caUrls", msg.GetCaUrls())
	each("oidcUrls", msg.GetOidcUrls())
	each("rekorTlogUrls", msg.GetRekorTlogUrls())
	each("tsaUrls", msg.GetTsaUrls())
	if !private {
		return
	}
	for _, path := range public {
		l.add(ruleSCPublic, path, "This is a service of the public Sigstore in a private config", "Write your own service's URL, or remove it")
	}
}

// pairWith judges a file against the other one of the pair. Findings about
// services stand where the service stands, or at the top when the linted file
// is the trusted root. The error is of another file that cannot be read.
func (l *linter) pairWith(msg proto.Message) error {
	if len(l.options.Pair) == 0 {
		return nil
	}
	root, isRoot := msg.(*prototrustroot.TrustedRoot)
	config, _ := msg.(*prototrustroot.SigningConfig)
	if isRoot {
		sc, err := readSigningConfig(l.options.Pair)
		if err != nil {
			return fmt.Errorf("signing config of the pair: %w", err)
		}
		config = sc
	} else {
		tr, err := parse(l.options.Pair)
		if err != nil {
			return fmt.Errorf("trusted root of the pair: %w", err)
		}
		root = tr
	}
	authority := func(entries []*prototrustroot.CertificateAuthority) func(string) []span {
		return func(raw string) []span {
			var out []span
			for _, a := range entries {
				// a TSA's entry may carry the base of its endpoint
				if uri := strings.TrimSuffix(a.GetUri(), "/"); uri != "" && (raw == uri || strings.HasPrefix(raw, uri+"/")) {
					out = append(out, newSpan("", a.GetUri(), a.GetValidFor()))
				}
			}
			return out
		}
	}
	rekor := func(raw string) []span {
		var out []span
		for _, t := range root.GetTlogs() {
			if host(t.GetBaseUrl()) == host(raw) {
				out = append(out, newSpan("", t.GetBaseUrl(), t.GetPublicKey().GetValidFor()))
			}
		}
		return out
	}
	l.pairServices(isRoot, "caUrls", config.GetCaUrls(), authority(root.GetCertificateAuthorities()))
	l.pairServices(isRoot, "rekorTlogUrls", config.GetRekorTlogUrls(), rekor)
	l.pairServices(isRoot, "tsaUrls", config.GetTsaUrls(), authority(root.GetTimestampAuthorities()))
	return nil
}

func (l *linter) pairServices(isRoot bool, list string, services []*prototrustroot.Service, find func(string) []span) {
	for i, s := range services {
		path := fmt.Sprintf("$.%s[%d]", list, i)
		report := func(r rule, text, repair string) {
			if isRoot {
				l.add(r, "$", fmt.Sprintf("The signing config's %s: %s", path, text), repair)
			} else {
				l.add(r, path, text, repair)
			}
		}
		entries := find(strings.TrimSuffix(s.GetUrl(), "/"))
		if len(entries) == 0 {
			report(ruleSCPair, fmt.Sprintf("The trusted root does not know %s: what is signed there cannot be verified", s.GetUrl()), "Publish the service's generation in the trusted root first, with the same URL")
			continue
		}
		service := newSpan(path, s.GetUrl(), s.GetValidFor())
		first := slices.MinFunc(entries, func(a, b span) int { return a.start.Compare(b.start) })
		if !service.start.IsZero() && service.start.Before(first.start) {
			report(ruleSCPairTime, fmt.Sprintf("The service is offered from %s, verifiers accept it from %s", stamp(service.start), stamp(first.start)), "Offer the service no earlier than its window opens")
		}
		if !service.hasEnd && !slices.ContainsFunc(entries, func(e span) bool { return !e.hasEnd }) {
			report(ruleSCPairTime, "The service is offered without end, and every window of it in the trusted root is closed", "Remove the service, or publish its new generation")
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

func readSigningConfig(data []byte) (*prototrustroot.SigningConfig, error) {
	if _, err := CheckSigningConfig(data); err != nil {
		return nil, err
	}
	msg := &prototrustroot.SigningConfig{}
	if err := strictJSON(data, msg); err != nil {
		return nil, err
	}
	return msg, nil
}

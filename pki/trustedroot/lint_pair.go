package trustedroot

import (
	"fmt"
	"slices"
	"strings"

	prototrustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"google.golang.org/protobuf/proto"
)

// pairWith judges a file against the other one of the pair. Findings about
// services stand where the service stands, or at the top when the linted file
// is the trusted root. The error is of another file that cannot be read.
func pairWith(l *linter, msg proto.Message) error {
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
	lintBoth(l, root, config, isRoot)
	return nil
}

func lintBoth(l *linter, root *prototrustroot.TrustedRoot, config *prototrustroot.SigningConfig, isRoot bool) {
	authorities := func(entries []*prototrustroot.CertificateAuthority) (out []span) {
		for _, a := range entries {
			out = append(out, newSpan("", a.GetUri(), a.GetValidFor()))
		}
		return out
	}
	logs := make([]span, 0, len(root.GetTlogs()))
	for _, t := range root.GetTlogs() {
		logs = append(logs, newSpan("", t.GetBaseUrl(), t.GetPublicKey().GetValidFor()))
	}
	report := func(r rule, path, text, repair string) {
		if isRoot {
			path, text = "$", fmt.Sprintf("The signing config's %s: %s", path, text)
		}
		l.add(r, path, text, repair)
	}
	pairServices(l, report, "caUrls", config.GetCaUrls(), nil, authorities(root.GetCertificateAuthorities()))
	pairServices(l, report, "rekorTlogUrls", config.GetRekorTlogUrls(), config.GetRekorTlogConfig(), logs)
	pairServices(l, report, "tsaUrls", config.GetTsaUrls(), config.GetTsaConfig(), authorities(root.GetTimestampAuthorities()))
}

// pairServices judges one list of services, and how signers choose among them,
// against a role's entries.
func pairServices(l *linter, report func(r rule, path, text, repair string), list string, services []*prototrustroot.Service, choice *prototrustroot.ServiceConfiguration, entries []span) {
	known := map[string]bool{} // operators of whom verifiers know a service
	operators := map[string]bool{}
	for i, s := range services {
		path := fmt.Sprintf("$.%s[%d]", list, i)
		operators[s.GetOperator()] = true
		found, same := knownAs(list, s, entries)
		if len(found) == 0 {
			report(ruleSCPair, path, fmt.Sprintf("The trusted root does not know %s: what is signed there cannot be verified", s.GetUrl()), "Publish the service's generation in the trusted root first, with the same URL")
			continue
		}
		known[s.GetOperator()] = true
		if !same {
			report(ruleSCPairURL, path, fmt.Sprintf("The service is %s here and %s in the trusted root", s.GetUrl(), found[0].owner), "Nothing where the one stands in front of the other; otherwise write the same URL in both")
			continue
		}
		service := newSpan(path, s.GetUrl(), s.GetValidFor())
		first := slices.MinFunc(found, func(a, b span) int { return a.start.Compare(b.start) })
		if !service.start.IsZero() && service.start.Before(first.start) {
			report(settled(l, ruleSCPairTime, first.start), path, fmt.Sprintf("The service is offered from %s, verifiers accept it from %s", stamp(service.start), stamp(first.start)), "Offer the service no earlier than its window opens")
		}
		if !service.hasEnd && !slices.ContainsFunc(found, func(e span) bool { return !e.hasEnd }) {
			report(ruleSCPairTime, path, "The service is offered without end, and every window of it in the trusted root is closed", "Remove the service, or publish its new generation")
		}
	}
	wanted := 0
	switch choice.GetSelector() {
	case prototrustroot.ServiceSelector_ALL:
		wanted = len(operators)
	case prototrustroot.ServiceSelector_EXACT:
		wanted = int(choice.GetCount())
	default: // any one will do
	}
	if wanted > 1 && len(known) < wanted {
		report(ruleSCPairCount, "$."+strings.Replace(list, "Urls", "Config", 1), fmt.Sprintf("Signers use services of %d operators, and the trusted root knows %d of them", wanted, len(known)),
			"Include the other instance's trusted root, or ask for fewer")
	}
}

// knownAs returns the entries of a service: those of its URL, or else those
// that it can stand in front of, which are below its host or its operator's
// domain. same is false for the latter, and where a TSA's path differs.
func knownAs(list string, s *prototrustroot.Service, entries []span) (found []span, same bool) {
	raw, tsa := strings.TrimSuffix(s.GetUrl(), "/"), list == "tsaUrls"
	same = true
	for _, e := range entries {
		uri := strings.TrimSuffix(e.owner, "/")
		if raw == uri || (list == "rekorTlogUrls" && host(uri) == host(raw)) || (tsa && host(uri) != "" && host(uri) == host(raw)) {
			same = same && (raw == uri || !tsa)
			found = append(found, e)
		}
	}
	if len(found) > 0 {
		return found, same
	}
	below := func(h, domain string) bool { return domain != "" && (h == domain || strings.HasSuffix(h, "."+domain)) }
	for _, e := range entries {
		if h := host(e.owner); below(h, host(raw)) || below(h, s.GetOperator()) {
			found = append(found, e)
		}
	}
	return found, false
}

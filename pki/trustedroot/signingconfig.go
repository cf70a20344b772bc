package trustedroot

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	prototrustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// SigningConfigMediaType is the media type of version 0.2, the only one that
// knows several services and their operators.
const SigningConfigMediaType = "application/vnd.dev.sigstore.signingconfig.v0.2+json"

// Major API versions of the services that signers speak to.
const (
	fulcioAPI = 1
	rekorAPI  = 2
	tsaAPI    = 1
	oidcAPI   = 1
)

// BuildSigningConfig returns signing_config.v0.2.json: where to sign. It lists
// every service that has a generation whose window is still open, once per URL
// and newest first; a service that a cutover has closed is left out, since
// signers have nothing to ask it. Logs and TSAs carry the plan's selector, and
// ANY where it names none, even where there is no service: cosign panics on a
// config without. Of the signing configs in includes it takes the logs and TSAs
// as they are, under their own operators; another instance's Fulcio and
// identity providers are not asked.
//
// The operator of every own service is the plan's organization. Identity providers
// are those of the plan's oidc, in its order, from the start of the oldest
// Fulcio CA that is still open; without one, oidcUrls is left out and signers
// are told theirs. A service's URL is the one that its trusted root states.
//
// The error joins every problem found and carries fault.Verification.
func BuildSigningConfig(p *plan.Plan, s *ledger.State, includes ...[]byte) ([]byte, error) {
	var problems []error
	operator := operatorName(p.Organization)
	if operator == "" {
		problems = append(problems, fmt.Errorf("organization %q: gives no operator's name", p.Organization))
	}
	lists := map[string][]service{}
	for _, name := range slices.Concat(slices.Sorted(maps.Keys(s.Authorities)), slices.Sorted(maps.Keys(s.Logs))) {
		generations := s.Windows(name)
		for i, g := range generations {
			var kind, who string
			switch {
			case g.Certificate != nil:
				kind, who = g.Certificate.Profile, "authority "+name
			case g.Log != nil:
				kind, who = g.Log.Kind, fmt.Sprintf("log %s generation %d", name, g.Number)
			default:
				problems = append(problems, fmt.Errorf("%s generation %d: the ledger has nothing for it", name, g.Number))
				continue
			}
			lists[kind] = append(lists[kind], service{who: who, url: serviceURL(p, name, &g), start: g.Start, open: mayRun(p, name, generations[:i], &g)})
		}
	}
	convert := func(version uint32, kinds ...string) []*prototrustroot.Service {
		var all []service
		for _, kind := range kinds {
			all = append(all, lists[kind]...)
		}
		out, err := services(all, version, operator)
		problems = append(problems, err)
		return out
	}
	cas := convert(fulcioAPI, profileFulcio)
	sc := &prototrustroot.SigningConfig{
		MediaType:     SigningConfigMediaType,
		CaUrls:        cas,
		OidcUrls:      providers(p.OIDC, cas, operator),
		RekorTlogUrls: convert(rekorAPI, plan.RekorV2),
		TsaUrls:       convert(tsaAPI, profileTSA, profileTSALeaf),
	}
	for i, data := range includes {
		other, err := readSigningConfig(data)
		if err != nil {
			problems = append(problems, fmt.Errorf("include %d: %w", i, err))
			continue
		}
		sc.RekorTlogUrls = beside(sc.RekorTlogUrls, other.GetRekorTlogUrls())
		sc.TsaUrls = beside(sc.TsaUrls, other.GetTsaUrls())
		for _, service := range append(other.GetRekorTlogUrls(), other.GetTsaUrls()...) {
			if service.GetOperator() == "" || service.GetOperator() == operator {
				problems = append(problems, fmt.Errorf("include %d: %s has the operator %q: signers choose one service of each operator, so it needs one of its own", i, service.GetUrl(), service.GetOperator()))
			}
		}
	}
	choose := p.Signing
	if choose == nil {
		choose = &plan.Signing{}
	}
	sc.RekorTlogConfig, sc.TsaConfig = selected(choose.Rekor), selected(choose.TSA)
	if err := errors.Join(problems...); err != nil {
		return nil, fault.New(fault.Verification,
			"Correct the plan's urls and organization, or the ledger, then build again.",
			fmt.Errorf("build %s: %w", TargetSigningConfig, err))
	}
	data, err := encode(sc)
	if err != nil {
		return nil, fmt.Errorf("build %s: %w", TargetSigningConfig, err)
	}
	if _, err := readSigningConfig(data); err != nil {
		return nil, fmt.Errorf("build %s: %w", TargetSigningConfig, err)
	}
	return data, nil
}

// beside adds services whose URL is not there yet, and keeps the newest first.
func beside(own, others []*prototrustroot.Service) []*prototrustroot.Service {
	for _, o := range others {
		if !slices.ContainsFunc(own, func(s *prototrustroot.Service) bool { return s.GetUrl() == o.GetUrl() }) {
			own = append(own, o)
		}
	}
	slices.SortStableFunc(own, func(a, b *prototrustroot.Service) int {
		return startOf(b.GetValidFor()).Compare(startOf(a.GetValidFor()))
	})
	return own
}

// selected writes the plan's choice; its count is that of EXACT.
func selected(s plan.Selection) *prototrustroot.ServiceConfiguration {
	name := cmp.Or(s.Selector, "ANY")
	return &prototrustroot.ServiceConfiguration{
		Selector: prototrustroot.ServiceSelector(prototrustroot.ServiceSelector_value[name]), Count: uint32(max(0, s.Count)), //nolint:gosec // the plan bounds it
	}
}

func serviceURL(p *plan.Plan, name string, g *ledger.Generation) string {
	if g.Log != nil {
		return g.Log.URL
	}
	return cmp.Or(g.Certificate.URL, p.Authorities[name].URL)
}

// mayRun reports whether signers may be sent to a generation. One that moves to
// another URL is not asked before the cutover has closed the older ones, unless
// it begins later than every verifier has fetched its key.
func mayRun(p *plan.Plan, name string, older []ledger.Generation, g *ledger.Generation) bool {
	if g.End != nil || !g.Live() {
		return false
	}
	moves := slices.ContainsFunc(older, func(o ledger.Generation) bool {
		return o.End == nil && o.Live() && serviceURL(p, name, &o) != serviceURL(p, name, g)
	})
	if !moves || p.TUF == nil {
		return !moves
	}
	return !g.Start.Before(g.Added.AddDate(0, 0, int(p.TUF.Timestamp.Expiry)))
}

// service is one generation behind a URL.
type service struct {
	who   string
	url   string
	start time.Time
	open  bool
}

// services returns one entry per URL with an open generation, newest first. Its
// window begins with the oldest generation that is still open.
func services(all []service, version uint32, operator string) ([]*prototrustroot.Service, error) {
	var problems []error
	since := map[string]time.Time{}
	for _, s := range all {
		if !s.open {
			continue
		}
		u, err := url.Parse(s.url)
		if err != nil || u.Scheme == "" || u.Hostname() == "" {
			problems = append(problems, fmt.Errorf("%s: url %q: needs a scheme and a host", s.who, s.url))
			continue
		}
		// during a renewal the service still signs with the older generation,
		// and must not vanish until the newer one opens
		if have, ok := since[s.url]; !ok || s.start.Before(have) {
			since[s.url] = s.start
		}
	}
	urls := slices.SortedFunc(maps.Keys(since), func(a, b string) int {
		return cmp.Or(since[b].Compare(since[a]), cmp.Compare(a, b))
	})
	out := make([]*prototrustroot.Service, 0, len(urls))
	for _, u := range urls {
		out = append(out, &prototrustroot.Service{
			Url:             u,
			MajorApiVersion: version,
			ValidFor:        &protocommon.TimeRange{Start: timestamppb.New(since[u])},
			Operator:        operator,
		})
	}
	return out, errors.Join(problems...)
}

// providers returns the plan's identity providers. They have no window of their
// own: each counts from when the first CA that asks it does.
func providers(issuers []plan.Provider, cas []*prototrustroot.Service, operator string) []*prototrustroot.Service {
	if len(cas) == 0 {
		return nil // nobody could use a token
	}
	start := cas[len(cas)-1].GetValidFor().GetStart() // newest first
	out := make([]*prototrustroot.Service, 0, len(issuers))
	for _, issuer := range issuers {
		out = append(out, &prototrustroot.Service{
			Url:             issuer.Issuer,
			MajorApiVersion: oidcAPI,
			ValidFor:        &protocommon.TimeRange{Start: start},
			Operator:        operator,
		})
	}
	return out
}

// operatorName turns an organization into the scheme-less URI that
// protobuf-specs asks for: a host name stays as it is, anything else becomes
// lower case with hyphens between its words.
func operatorName(organization string) string {
	words := strings.FieldsFunc(strings.ToLower(organization), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '.' && r != '-'
	})
	return strings.Trim(strings.Join(words, "-"), ".-")
}

package services

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/checkpoint"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// Programs that are rendered for.
const (
	Fulcio    = "fulcio"
	TSA       = "tsa"
	Rekor     = "rekor"
	TesseraCT = "tesseract"
	SPIRE     = "spire-server"
)

// Source is what rendering reads.
type Source struct {
	Plan  *plan.Plan
	State *ledger.State
	Files fs.FS // the trust directory
	// Published is what verifiers fetch; nil refuses every generation.
	Published *Publication
	Now       time.Time
	// Generation is the one to render for; 0 takes the newest of each.
	Generation int
	// Urgent renders a generation that is published without waiting until every
	// verifier must have fetched it.
	Urgent bool
}

// Service is what one program is started with. Arguments hold "{dir}" where
// the folder of its files belongs and "{host}" where the address to listen on.
type Service struct {
	Name       string            `json:"name"` // of the authority or log in the plan
	Program    string            `json:"program"`
	Version    string            `json:"version"` // that was tried
	Generation int               `json:"generation"`
	Key        string            `json:"key,omitempty"` // in KMS, as awskms:///ARN
	Arguments  []string          `json:"arguments"`
	Variables  []string          `json:"variables,omitempty"` // that the environment must hold
	Port       int               `json:"port"`
	Files      map[string][]byte `json:"-"` // by name
	Notes      []string          `json:"notes,omitempty"`
	// Early is until when verifiers may refuse what the service signs, for a
	// generation that was rendered before it had to be everywhere; else zero.
	Early time.Time `json:"early,omitzero"`
}

// Renderable lists what a plan has that can be rendered, sorted.
func Renderable(p *plan.Plan) []string {
	names := slices.AppendSeq(courier.Names(p.Authorities), maps.Keys(p.Logs))
	names = slices.DeleteFunc(names, func(name string) bool { return programOf(p, name) == "" })
	slices.Sort(names)
	return names
}

// Names lists the services of a plan that can be asked, sorted. SPIRE's server
// answers nothing that could be asked, so it is rendered for alone.
func Names(p *plan.Plan) []string {
	return slices.DeleteFunc(Renderable(p), func(name string) bool { return programOf(p, name) == SPIRE })
}

// programOf is what an authority or log of the plan is served by; empty for
// nothing.
func programOf(p *plan.Plan, name string) string {
	if l, ok := p.Logs[name]; ok {
		return map[bool]string{true: Rekor, false: TesseraCT}[l.Kind == plan.RekorV2]
	}
	return map[string]string{
		pki.ProfileFulcioCA: Fulcio, pki.ProfileTSA: TSA, pki.ProfileTSALeaf: TSA, pki.ProfileSPIFFECA: SPIRE,
	}[p.Authorities[name].Profile]
}

// generations are those of an authority or log.
func (s *Source) generations(name string) []ledger.Generation {
	if _, ok := s.Plan.Logs[name]; ok {
		return s.State.Logs[name]
	}
	return s.State.Authorities[name]
}

// Render returns what the named services are started with. The error joins
// what is wrong with each and carries fault.Verification; then nothing is
// returned.
func (s *Source) Render(names ...string) ([]Service, error) {
	var out []Service
	var problems []error
	for _, name := range names {
		service, err := s.render(name)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", name, err))
			continue
		}
		out = append(out, service)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fault.New(fault.Verification, "nothing was written; repair what is named, or render the generation that is published with --generation; --urgent takes a published one before its wait is over", err)
	}
	return out, nil
}

func (s *Source) render(name string) (Service, error) {
	program := programOf(s.Plan, name)
	if program == "" {
		return Service{}, fmt.Errorf("the plan has no such service; it has %s", strings.Join(Renderable(s.Plan), ", "))
	}
	g, err := s.generation(s.generations(name))
	if err != nil {
		return Service{}, err
	}
	switch program {
	case Fulcio:
		return fulcio(s, name, s.Plan.Authorities[name], g)
	case TSA:
		return tsa(s, name, s.Plan.Authorities[name], g)
	case SPIRE:
		return spire(s, name, s.Plan.Authorities[name], g)
	case Rekor:
		return rekor(s, name, s.Plan.Logs[name], g)
	default:
		return tesseract(s, name, s.Plan.Logs[name], g)
	}
}

// generation picks the generation to render for.
func (s *Source) generation(all []ledger.Generation) (ledger.Generation, error) {
	if s.Generation == 0 {
		if newest := ledger.Newest(all); newest != nil {
			return *newest, s.usable(*newest)
		}
		return ledger.Generation{}, errors.New("the ledger has no generation of it")
	}
	for _, g := range all {
		if g.Number == s.Generation {
			return g, s.usable(g)
		}
	}
	return ledger.Generation{}, fmt.Errorf("the ledger has no generation %d of it", s.Generation)
}

// usable refuses a generation that is over or has not begun.
func (s *Source) usable(g ledger.Generation) error {
	if g.Compromised != nil {
		return fmt.Errorf("generation %d is compromised: %s", g.Number, g.Compromised.Reason)
	}
	if s.Now.Before(g.Start) {
		return fmt.Errorf("generation %d begins on %s: verifiers reject what it signs before", g.Number, g.Start.Format(time.RFC3339))
	}
	if g.End != nil && s.Now.After(*g.End) {
		return fmt.Errorf("generation %d ended on %s: verifiers reject what it signs now", g.Number, g.End.Format(time.RFC3339))
	}
	return nil
}

// kmsKey is the key of a generation as Sigstore's AWS provider names it.
func kmsKey(generations []plan.Generation, number int) (string, error) {
	if number > len(generations) || !strings.HasPrefix(generations[number-1].Key, "arn:") {
		return "", fmt.Errorf("the plan names no KMS key for generation %d: write its ARN there", number)
	}
	return "awskms:///" + generations[number-1].Key, nil
}

// fetchable refuses a certificate or key that verifiers may not have. Before the
// first repository they have what the adopted trusted root had. When it
// is urgent it refuses only what is not published, and returns until when a
// verifier may be behind.
func (s *Source) fetchable(g ledger.Generation, der []byte) (time.Time, error) {
	err := errors.New("no published TUF repository was found")
	if s.Published == nil && g.Adopted {
		return time.Time{}, nil
	}
	if s.Published != nil {
		err = s.Published.Fetchable(base64.StdEncoding.EncodeToString(der), s.Now)
	}
	var early *EarlyError
	if s.Urgent && errors.As(err, &early) {
		return early.Ready, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("generation %d cannot be fetched by every verifier yet: %w", g.Number, err)
	}
	return time.Time{}, nil
}

// checkpointKey reads a log's public key, P-256 or refused.
func (s *Source) checkpointKey(g ledger.Generation) ([]byte, *ecdsa.PublicKey, error) {
	data, err := g.Log.File.Read(s.Files)
	if err != nil {
		return nil, nil, err
	}
	pub, err := pki.ParsePublicKey(data)
	if err == nil && pub.Curve != elliptic.P256() {
		err = fmt.Errorf("the key of log %s is on %s, not P-256: Fulcio refuses such a CT key at the start, and sigstore-js such checkpoints",
			g.Log.Name, pub.Curve.Params().Name)
	}
	return data, pub, err
}

// authority is what rendering needs of one.
type authority struct {
	chain []byte
	key   *ecdsa.PublicKey
	early time.Time
}

// chain reads the chain of an authority's generation.
func (s *Source) chain(g ledger.Generation) ([]byte, []*x509.Certificate, error) {
	data, err := g.Certificate.Chain.Read(s.Files)
	if err != nil {
		return nil, nil, err
	}
	chain, err := pki.ParseCertificates(data)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", g.Certificate.Chain.Path, err)
	}
	return data, chain, nil
}

// authority reads an authority's chain and checks it.
func (s *Source) authority(g ledger.Generation, check func([]*x509.Certificate) error) (authority, error) {
	data, chain, err := s.chain(g)
	if err != nil {
		return authority{}, err
	}
	var pub *ecdsa.PublicKey
	if err = check(chain); err == nil {
		pub, err = pki.CheckKey(chain[0].PublicKey)
	}
	if err != nil {
		return authority{}, fmt.Errorf("%s: %w", g.Certificate.Chain.Path, err)
	}
	spki, err := pki.SPKISHA256(pub)
	if err != nil {
		return authority{}, err
	}
	if spki != g.Certificate.SPKISHA256 {
		return authority{}, fmt.Errorf("%s is the chain of another key than generation %d's: an old chain", g.Certificate.Chain.Path, g.Number)
	}
	early, err := s.fetchable(g, chain[0].Raw)
	return authority{data, pub, early}, err
}

// checkURL refuses a log whose origin verifiers would not look for.
func checkURL(l plan.Log, g ledger.Generation) (*url.URL, error) {
	if err := checkpoint.CheckURL(l.Kind, g.Log.Origin, g.Log.URL); err != nil {
		return nil, err
	}
	return url.Parse(g.Log.URL)
}

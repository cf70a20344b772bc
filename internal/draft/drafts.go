package draft

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/finding"
	"github.com/linnemanlabs/trustroot/pki/lint"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// Draft is a certificate of the plan as it would be, under throwaway keys.
type Draft struct {
	Authority   string            `json:"authority"`
	Generation  int               `json:"generation"`
	Ceremony    string            `json:"ceremony"`
	Text        []string          `json:"certificate,omitempty"` // pki.Describe; empty when it cannot be made
	Findings    []finding.Finding `json:"findings,omitempty"`    // errors first; fields are those of the plan, from its top
	Names       []lint.Effect     `json:"names,omitempty"`       // authorities that issue: what constraints do to names
	Certificate *x509.Certificate `json:"-"`                     // nil when it cannot be made
}

// Errors counts the findings for which the certificate is not issued.
func (d Draft) Errors() int {
	return finding.Errors(d.Findings)
}

// Known are certificates that exist already: by authority, ascending by
// generation.
type Known map[string][]*x509.Certificate

// Drafts issues every certificate that the plan gives to a ceremony, issuers
// first, under throwaway keys, and lints each. An issuer that is known is stood
// in for by a copy of it; one that is not and that no ceremony makes, by what
// its profile gives. What is wrong with a certificate is among its findings; the
// error is of the machine.
func Drafts(p *plan.Plan, known Known) ([]Draft, error) {
	d := &drafter{plan: p, known: known, linter: lint.New(), made: map[string]map[int]*made{}, standIns: map[string]map[int]*made{}}
	for _, name := range d.order() {
		for _, g := range p.Authorities[name].Generations {
			if g.Ceremony == "" {
				continue
			}
			if err := d.draft(name, g); err != nil {
				return nil, fmt.Errorf("draft %s g%d: %w", name, g.Generation, err)
			}
		}
	}
	return d.drafts, nil
}

type drafter struct {
	plan   *plan.Plan
	known  Known
	linter *lint.Linter
	made   map[string]map[int]*made
	drafts []Draft
	// standIns are copies of certificates that exist.
	standIns map[string]map[int]*made
}

// made is a certificate whose throwaway key can issue.
type made struct {
	key   *ecdsa.PrivateKey
	chain []*x509.Certificate // itself first, root last
}

// order names every authority after the one that issues it.
func (d *drafter) order() []string {
	depth := func(name string) int {
		n := 0
		for by := d.plan.IssuerOf(name); by != "" && n < len(d.plan.Authorities); by = d.plan.IssuerOf(by) {
			n++
		}
		return n
	}
	return slices.SortedFunc(maps.Keys(d.plan.Authorities), func(a, b string) int { return cmp.Or(depth(a)-depth(b), cmp.Compare(a, b)) })
}

func (d *drafter) draft(name string, g plan.Generation) error {
	spec, err := d.plan.Spec(name, g.Generation)
	if err != nil {
		return err
	}
	out := Draft{Authority: name, Generation: g.Generation, Ceremony: g.Ceremony}
	m, found, err := d.issue(name, spec)
	if err != nil {
		return err
	}
	for _, f := range found {
		f.Place = planField(name, g.Ceremony, f.Place)
		out.Findings = append(out.Findings, f)
	}
	if m != nil {
		out.Certificate = m.chain[0]
		out.Text = pki.Describe(out.Certificate)
		if pki.IsCA(spec.Profile) {
			out.Names = lint.Effects(out.Certificate, m.chain[1:], spec.Profile)
		}
		keep(d.made, name, g.Generation, m)
	}
	d.drafts = append(d.drafts, out)
	return nil
}

func keep(in map[string]map[int]*made, name string, generation int, m *made) {
	if in[name] == nil {
		in[name] = map[int]*made{}
	}
	in[name][generation] = m
}

// issue makes the certificate of a spec with a key of its own. What keeps it
// from being made comes back as findings, without a certificate.
func (d *drafter) issue(name string, spec pki.Spec) (*made, []finding.Finding, error) {
	key, err := ecdsa.GenerateKey(curveOf(d.plan.Authorities[name].Algorithm), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make throwaway key: %w", err)
	}
	spec.PublicKey = key.Public()
	if spec.Serial, err = pki.NewSerial(rand.Reader); err != nil {
		return nil, nil, err
	}
	signer, chain := key, []*x509.Certificate(nil)
	if by := d.plan.IssuerOf(name); by != "" {
		issuer, err := d.issuer(by, spec.NotBefore)
		if err != nil {
			return nil, nil, err
		}
		if issuer == nil {
			return nil, []finding.Finding{{ID: "issuer", Severity: finding.Error, Place: "issuer",
				Text: "is not linted: its issuer " + by + " cannot be made as the plan says"}}, nil
		}
		signer, chain, spec.Issuer = issuer.key, issuer.chain, issuer.chain[0]
	}
	r := &Recorder{Linter: d.linter, Profile: spec.Profile}
	prepared, err := pki.Prepare(spec, chain, r)
	if err != nil {
		return nil, append(problemFindings(err), r.findings...), nil
	}
	certificate, err := prepared.Issue(signer)
	if err != nil {
		return nil, nil, err
	}
	return &made{key, append([]*x509.Certificate{certificate}, chain...)}, r.findings, nil
}

// issuer returns the newest certificate of an authority that begins no later
// than at, made or stood in for; nil when the plan's cannot be made.
func (d *drafter) issuer(name string, at time.Time) (*made, error) {
	generations := d.plan.Authorities[name].Generations
	for i := len(generations) - 1; i >= 0; i-- {
		g := generations[i]
		if from, _, dated := d.plan.Window(name, g); dated && from.After(at) {
			continue
		}
		exists := g.Generation <= len(d.known[name])
		if !exists && g.Ceremony != "" {
			return d.made[name][g.Generation], nil // where it is nil, its own draft says why
		}
		if m := d.standIns[name][g.Generation]; m != nil {
			return m, nil
		}
		m, err := d.standIn(name, g.Generation, at)
		if err == nil && m != nil {
			keep(d.standIns, name, g.Generation, m)
		}
		return m, err
	}
	return nil, nil
}

// standIn copies a certificate that exists, extension for extension, under a
// throwaway key. Where none is at hand, the profile's is made for that day.
func (d *drafter) standIn(name string, generation int, at time.Time) (*made, error) {
	a := d.plan.Authorities[name]
	if have := d.known[name]; generation > len(have) {
		m, _, err := d.issue(name, pki.Spec{Profile: a.Profile, Subject: a.Subject, Settings: a.Settings,
			NotBefore: at, NotAfter: a.Validity.NotAfter(at)})
		return m, err
	}
	original := d.known[name][generation-1]
	key, err := ecdsa.GenerateKey(curveOf(a.Algorithm), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make throwaway key: %w", err)
	}
	m := &made{key: key}
	template := &x509.Certificate{
		RawSubject: original.RawSubject, SerialNumber: original.SerialNumber,
		NotBefore: original.NotBefore, NotAfter: original.NotAfter, ExtraExtensions: original.Extensions,
	}
	parent, signer := template, key
	if by := d.plan.IssuerOf(name); by != "" {
		issuer, err := d.issuer(by, original.NotBefore)
		if err != nil || issuer == nil {
			return nil, err
		}
		parent, signer, m.chain = issuer.chain[0], issuer.key, issuer.chain
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return nil, fmt.Errorf("copy %s under a throwaway key: %w", original.Subject, err)
	}
	copied, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("copy %s under a throwaway key: %w", original.Subject, err)
	}
	m.chain = append([]*x509.Certificate{copied}, m.chain...)
	return m, nil
}

func curveOf(algorithm string) elliptic.Curve {
	if algorithm == "P-256" {
		return elliptic.P256()
	}
	return elliptic.P384()
}

// Recorder is a linter that keeps what it finds and lets everything pass, so
// that a reviewer sees the certificate beside its findings.
type Recorder struct {
	Linter   *lint.Linter
	Profile  string
	findings []finding.Finding
	done     bool
}

// Lint implements pki.Linter. It is called a second time for the signed
// certificate, which has the same bytes.
func (r *Recorder) Lint(certificate *x509.Certificate, chain []*x509.Certificate) error {
	if !r.done {
		r.done = true
		r.findings = r.Linter.Findings(certificate, chain, r.Profile)
	}
	return nil
}

// problemFindings turns what Prepare refuses into findings.
func problemFindings(err error) []finding.Finding {
	var out []finding.Finding
	for _, p := range pki.Problems(err) {
		out = append(out, finding.Finding{ID: "refused", Severity: finding.Error, Place: p.Field, Text: p.Reason})
	}
	if len(out) == 0 {
		out = append(out, finding.Finding{ID: "refused", Severity: finding.Error, Text: err.Error()})
	}
	return out
}

// planField writes a field of one certificate as a field of the whole plan.
func planField(authority, ceremony, field string) string {
	const day = "ceremonies."
	switch {
	case field == "":
		return ""
	case len(field) > len(day) && field[:len(day)] == day:
		return day + ceremony + "." + field[len(day):]
	default:
		return "authorities." + authority + "." + field
	}
}

package gate

import (
	"crypto/x509"
	"net/url"
	"slices"
	"strings"

	"github.com/sigstore/sigstore-go/pkg/root"
)

// Whose service counts.
const (
	own    = "own"
	public = "public"
	both   = "both"
)

// isOwn reports whether a service's URL lies under one of your domains.
func (t Trust) isOwn(service string) bool {
	u, err := url.Parse(service)
	if err != nil {
		return false
	}
	host := strings.ToLower(u.Hostname())
	return slices.ContainsFunc(t.Own, func(domain string) bool { return host == domain || strings.HasSuffix(host, "."+domain) })
}

// counts reports whether a service's URL is of the wanted side.
func (t Trust) counts(want, service string) bool {
	switch want {
	case own:
		return t.isOwn(service)
	case public:
		return !t.isOwn(service)
	}
	return true
}

// sides are the sides of which one each is wanted.
func sides(want string) []string {
	if want == both {
		return []string{own, public}
	}
	return []string{want}
}

// scoped is a trusted root with those services alone that the policy counts.
type scoped struct {
	root.TrustedMaterial
	fulcio []*fulcio
	tsa    []*tsa
	logs   map[string]*root.TransparencyLog
	ct     map[string]*root.TransparencyLog
}

// scope leaves out what does not count.
func (t Trust) scope(m root.TrustedMaterial) *scoped {
	s := &scoped{TrustedMaterial: m, logs: t.logs(t.Log, m.RekorLogs()), ct: t.logs(t.CT, m.CTLogs())}
	for _, ca := range m.FulcioCertificateAuthorities() {
		if f, ok := ca.(*root.FulcioCertificateAuthority); ok && t.counts(t.Fulcio, f.URI) {
			s.fulcio = append(s.fulcio, &fulcio{FulcioCertificateAuthority: f})
		}
	}
	for _, ta := range m.TimestampingAuthorities() {
		if a, ok := ta.(*root.SigstoreTimestampingAuthority); ok && t.counts(t.Time, a.URI) {
			s.tsa = append(s.tsa, newTSA(a))
		}
	}
	return s
}

// asked is the trusted root for one bundle: each authority hears each question
// once, and sigstore-go's verdict and the single steps share the answers.
func (s *scoped) asked() *scoped {
	one := *s
	one.fulcio, one.tsa = nil, nil
	for _, ca := range s.fulcio {
		c := *ca
		c.answers = answers[fulcioQuestion, [][]*x509.Certificate]{}
		one.fulcio = append(one.fulcio, &c)
	}
	for _, a := range s.tsa {
		c := *a
		c.answers = answers[tsaQuestion, *root.Timestamp]{}
		one.tsa = append(one.tsa, &c)
	}
	return &one
}

func (t Trust) logs(want string, all map[string]*root.TransparencyLog) map[string]*root.TransparencyLog {
	out := map[string]*root.TransparencyLog{}
	for id, l := range all {
		if t.counts(want, l.BaseURL) {
			out[id] = l
		}
	}
	return out
}

// FulcioCertificateAuthorities implements root.TrustedMaterial.
func (s *scoped) FulcioCertificateAuthorities() (all []root.CertificateAuthority) {
	for _, ca := range s.fulcio {
		all = append(all, ca)
	}
	return all
}

// TimestampingAuthorities implements root.TrustedMaterial.
func (s *scoped) TimestampingAuthorities() (all []root.TimestampingAuthority) {
	for _, a := range s.tsa {
		all = append(all, a)
	}
	return all
}

// RekorLogs implements root.TrustedMaterial.
func (s *scoped) RekorLogs() map[string]*root.TransparencyLog { return s.logs }

// CTLogs implements root.TrustedMaterial.
func (s *scoped) CTLogs() map[string]*root.TransparencyLog { return s.ct }

package gate

import (
	"net/url"
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
	for _, domain := range t.Own {
		if host == domain || strings.HasSuffix(host, "."+domain) {
			return true
		}
	}
	return false
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
	fulcio []root.CertificateAuthority
	tsa    []root.TimestampingAuthority
	logs   map[string]*root.TransparencyLog
	ct     map[string]*root.TransparencyLog
}

// scope leaves out what does not count.
func (t Trust) scope(m root.TrustedMaterial) *scoped {
	s := &scoped{TrustedMaterial: m, logs: t.logs(t.Log, m.RekorLogs()), ct: t.logs(t.CT, m.CTLogs())}
	for _, ca := range m.FulcioCertificateAuthorities() {
		if f, ok := ca.(*root.FulcioCertificateAuthority); ok && t.counts(t.Fulcio, f.URI) {
			s.fulcio = append(s.fulcio, ca)
		}
	}
	for _, tsa := range m.TimestampingAuthorities() {
		if a, ok := tsa.(*root.SigstoreTimestampingAuthority); ok && t.counts(t.Time, a.URI) {
			s.tsa = append(s.tsa, tsa)
		}
	}
	return s
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
func (s *scoped) FulcioCertificateAuthorities() []root.CertificateAuthority { return s.fulcio }

// TimestampingAuthorities implements root.TrustedMaterial.
func (s *scoped) TimestampingAuthorities() []root.TimestampingAuthority { return s.tsa }

// RekorLogs implements root.TrustedMaterial.
func (s *scoped) RekorLogs() map[string]*root.TransparencyLog { return s.logs }

// CTLogs implements root.TrustedMaterial.
func (s *scoped) CTLogs() map[string]*root.TransparencyLog { return s.ct }

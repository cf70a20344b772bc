package lint

import (
	"crypto/x509"
	"slices"
	"strings"

	"github.com/linnemanlabs/trustroot/pki"
)

// Effect says what the name constraints of a path do to one type of
// alternative name.
type Effect struct {
	Type    string   `json:"type"`             // DNS, URI, e-mail or IP
	State   string   `json:"state"`            // "effective" or "no-op"
	Text    string   `json:"text"`             // why, in words
	Breaks  []string `json:"breaks,omitempty"` // clients that fail
	Allowed []string `json:"allowed,omitempty"`
	Refused []string `json:"refused,omitempty"`
	Used    bool     `json:"used"` // certificates under this profile carry such names
}

// States of an Effect.
const (
	Effective = "effective"
	NoOp      = "no-op"
)

// usedNames are the types of alternative name in certificates that authorities
// of a profile issue.
var usedNames = map[string][]string{
	pki.ProfileFulcioCA: {"URI", "e-mail"},
	pki.ProfileSPIFFECA: {"URI", "DNS"},
}

// Effects tabulates alternative name type by constraint for what a CA issues.
// The constraints of its issuers count as well.
func Effects(certificate *x509.Certificate, chain []*x509.Certificate, profile string) []Effect {
	effects := []Effect{{Type: "DNS"}, {Type: "URI"}, {Type: "e-mail"}, {Type: "IP"}}
	for _, c := range append([]*x509.Certificate{certificate}, chain...) {
		effects[0].collect(c.PermittedDNSDomains, c.ExcludedDNSDomains)
		effects[1].collect(c.PermittedURIDomains, c.ExcludedURIDomains)
		effects[2].collect(c.PermittedEmailAddresses, c.ExcludedEmailAddresses)
		effects[3].collect(pki.Networks(c.PermittedIPRanges), pki.Networks(c.ExcludedIPRanges))
	}
	for i := range effects {
		effects[i].judge(profile)
	}
	return effects
}

func (e *Effect) collect(permitted, excluded []string) {
	e.Allowed = append(e.Allowed, permitted...)
	e.Refused = append(e.Refused, excluded...)
}

func (e *Effect) judge(profile string) {
	e.Used = slices.Contains(usedNames[profile], e.Type)
	if len(e.Allowed)+len(e.Refused) == 0 {
		e.State = NoOp
		e.Text = "any " + e.Type + " name passes: constraints of other types do not touch it (RFC 5280 4.2.1.10)"
		return
	}
	e.State = Effective
	switch e.Type {
	case "URI":
		e.Text = "limits the host of a URI; a URI without a host name, or with an address for it, is refused altogether"
	case "DNS":
		e.Text = "limits DNS names"
		if dotted := leadingDots(slices.Concat(e.Allowed, e.Refused)); len(dotted) > 0 {
			e.Text += "; " + strings.Join(dotted, ", ") + " means the names under it and not itself"
			e.Breaks = []string{pyca}
		}
	default:
		e.Text = "limits " + e.Type + " names"
	}
}

func leadingDots(names []string) []string {
	return slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, ".") })
}

// constraints says what the certificate's own name constraints do and do not.
func (s *subject) constraints() {
	e := s.extension(2, 5, 29, 30)
	if e == nil {
		return
	}
	if !e.Critical {
		s.fail("name-constraints-critical", "template", "name constraints are not critical (RFC 5280 4.2.1.10)")
	}
	if !s.IsCA {
		s.fail("name-constraints-leaf", "name_constraints", "name constraints stand in CA certificates only (RFC 5280 4.2.1.10)")
	}
	if dotted := leadingDots(slices.Concat(s.PermittedDNSDomains, s.ExcludedDNSDomains)); len(dotted) > 0 {
		s.add("name-constraints-leading-dot", Warning, "name_constraints", []string{pyca},
			"%s: a DNS constraint with a leading dot leaves out the domain itself, and pyca/cryptography calls it malformed when a certificate below has DNS names", strings.Join(dotted, ", "))
	}
	var idle, touched []string
	for _, effect := range Effects(s.Certificate, nil, s.profile) {
		if effect.Used && effect.State == NoOp {
			idle = append(idle, effect.Type)
		}
		if effect.Used && effect.State == Effective {
			touched = append(touched, effect.Type)
		}
	}
	if len(idle) > 0 && len(touched) == 0 {
		s.add("name-constraints-no-op", Warning, "name_constraints", nil,
			"the name constraints do not touch %s names, which are the ones in use here", strings.Join(idle, " and "))
	} else if len(idle) > 0 {
		s.add("name-constraints-partial", Note, "name_constraints", nil,
			"the name constraints do not touch %s names", strings.Join(idle, " and "))
	}
}

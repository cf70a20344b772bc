package request

import (
	"fmt"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// String says everything that the ceremony will be asked to sign, and the
// request's digest in hex groups and in words. It takes all of it from the
// request's files, so the text is the same on both hosts, for folder and tar.
func (r *Request) String() string {
	t := &text{}
	r.head(t)
	for n, item := range r.Items {
		t.line("")
		t.line("%d. %s, generation %d", n+1, item.Authority, item.Generation)
		r.item(t, item)
	}
	r.crl(t)
	t.line("")
	digest := r.Digest()
	t.line("Digest of the request, SHA-256 of %s:", SumsFile)
	t.rows("  ", strings.Fields(pki.HexGroups(digest[:])), 8)
	t.line("In numbered words:")
	words := strings.Fields(pki.Words(digest[:]))
	for i, w := range words {
		words[i] = fmt.Sprintf("%2d %-12s", i+1, w)
	}
	t.rows("  ", words, 3)
	return t.b.String()
}

func (r *Request) head(t *text) {
	c := r.Plan.Ceremonies[r.Manifest.Ceremony]
	if r.Plan.Rehearsal != nil {
		t.line("REHEARSAL: nothing that this request leads to is to be trusted")
	}
	t.line("Request %s of %s, made %s", r.Name(), r.Manifest.Organization, r.Manifest.Created.Format(time.DateOnly))
	t.field("ceremony", "%s on %s (UTC)", r.Manifest.Ceremony, c.Day)
	t.field("token", "%d", c.Token)
	t.optional("program", c.BinarySHA256)
	t.optional("image", c.ImageSHA256)
	t.optional("operators", strings.Join(c.Operators, ", "))
	t.optional("witnesses", strings.Join(c.Witnesses, ", "))
	t.field("ledger", "%d lines, the last one's SHA-256 %s", r.Manifest.LedgerEntries, groups(r.Manifest.LedgerHead))
	if r.Root == nil {
		t.field("root", "made at the ceremony")
	} else {
		t.field("root", "%s, generation %d", subjectOf(r.Root), max(r.Manifest.RootGeneration, 1))
		t.field("", "serial %s, key %s", pki.SerialHex(r.Root.SerialNumber), keyOf(r.Root.PublicKey))
		t.field("", "valid %s to %s", stamp(r.Root.NotBefore), stamp(r.Root.NotAfter))
	}
	for _, e := range r.Plan.Exceptions {
		t.field("exception", "%s: %s", e.Name, e.Reason)
	}
}

// crl says what the root's CRL will hold, and that the key goes.
func (r *Request) crl(t *text) {
	if c := r.Manifest.CRL; c != nil {
		t.line("")
		t.line("%d. CRL %d of the root", len(r.Items)+1, c.Number)
		t.field("this update", "%s", stamp(c.ThisUpdate))
		t.field("next update", "%s", stamp(c.NextUpdate))
		if len(c.Revoked) == 0 {
			t.field("revokes", "nothing")
		}
		for _, e := range c.Revoked {
			t.field("revokes", "%s generation %d, serial %s, from %s, reason %d", e.Authority, e.Generation, e.Serial, stamp(e.At), e.Reason)
		}
	}
	if r.Manifest.Destroy {
		t.line("")
		t.line("THE ROOT'S KEY WILL BE DESTROYED on this token. Nothing brings it back.")
	}
}

func (r *Request) item(t *text, item Item) {
	t.field("subject", "%s (%s)", item.Spec.Subject, encoding(item.Spec.Subject))
	t.field("profile", "%s", item.Spec.Profile)
	t.field("issuer", "%s", issuer(item))
	r.key(t, item)
	t.field("not before", "%s", stamp(item.Spec.NotBefore))
	t.field("not after", "%s, included", stamp(item.Spec.NotAfter))
	constraints(t, item.Spec)
	if item.Previous != nil {
		t.field("previous", "serial %s, valid %s to %s", pki.SerialHex(item.Previous.SerialNumber), stamp(item.Previous.NotBefore), stamp(item.Previous.NotAfter))
		t.field("differs in", "%s", strings.Join(differences(item), "; "))
	}
}

// key says which key is certified and where it comes from.
func (r *Request) key(t *text, item Item) {
	switch item.Source {
	case SourceToken:
		t.field("key", "%s, made at the ceremony", item.Plan.Algorithm)
		if k := item.Plan.Token; k != nil {
			t.field("", "slot %s, PIN %s, touch %s", k.Slot, k.PIN, k.Touch)
		}
		t.optional("fingerprint", pinGroups(item.Key.SPKISHA256))
		return
	case SourceExternal:
		t.field("key", "%s, EXTERNAL: a request from a file, no evidence of where the key is kept", item.Plan.Algorithm)
	default:
		t.field("key", "%s, %s", item.Plan.Algorithm, item.Key.Key)
	}
	t.field("fingerprint", "%s", groups(item.CSR.SPKISHA256))
	if len(item.CSR.Ignored) > 0 {
		t.field("not granted", "extensions that were asked for: %s", strings.Join(item.CSR.Ignored, ", "))
	}
}

func issuer(item Item) string {
	if item.Source == SourceToken {
		return "itself"
	}
	return plan.RootAuthority
}

func encoding(s pki.Subject) string {
	if s.Encoding == "printable" {
		return "PrintableString"
	}
	return "UTF8String"
}

// constraints says what limits a certificate. A profile's defaults are shown
// with what the plan sets over them.
func constraints(t *text, spec pki.Spec) {
	s := effective(spec)
	switch {
	case s.PathLen != nil:
		t.field("path length", "%d", *s.PathLen)
	case pki.IsCA(spec.Profile):
		t.field("path length", "unlimited")
	}
	switch {
	case s.ExtKeyUsageCritical != nil && *s.ExtKeyUsageCritical:
		t.field("usage", "extended key usage is critical")
	case s.ExtKeyUsageCritical != nil:
		t.field("usage", "extended key usage is not critical")
	}
	if n := s.NameConstraints; n != nil {
		t.optional("permitted", subtrees(n.Permitted))
		t.optional("excluded", subtrees(n.Excluded))
	}
	for _, p := range s.Policies {
		t.field("policy", "%s", strings.TrimSpace(p.OID+" "+p.CPS))
	}
	t.optional("alternative", strings.Join(s.URIs, " "))
	t.optional("issuer at", strings.Join(s.IssuingCertificates, " "))
	t.optional("CRL at", strings.Join(s.CRLDistribution, " "))
	if s.Template != "" {
		t.field("template", "the plan's own, over the profile's:")
		for line := range strings.Lines(s.Template) {
			t.line("      %s", strings.ReplaceAll(strings.TrimRight(line, "\n"), "\t", "    "))
		}
	}
}

func subtrees(s pki.Subtrees) string {
	var parts []string
	for _, kind := range []struct {
		name  string
		names []string
	}{{"DNS", s.DNS}, {"URI", s.URI}, {"e-mail", s.Email}, {"IP", s.IP}} {
		for _, n := range kind.names {
			parts = append(parts, kind.name+" "+n)
		}
	}
	return strings.Join(parts, ", ")
}

// keyOf is the fingerprint of a public key in hex groups.
func keyOf(pub any) string {
	spki, err := pki.SPKISHA256(pub)
	if err != nil {
		return "of an unknown type"
	}
	return groups(spki)
}

func pinGroups(pin string) string {
	if pin == "" {
		return ""
	}
	return groups(pin)
}

// text gathers lines, whose values are escaped: they may come from a stick.
type text struct{ b strings.Builder }

func (t *text) line(format string, args ...any) {
	term.Fprintf(&t.b, format+"\n", args...)
}

// field writes one fact under its name.
func (t *text) field(name, format string, args ...any) {
	t.line("   %-12s %s", name, term.Text(term.Sprintf(format, args...)))
}

// optional writes a fact that may be missing.
func (t *text) optional(name, value string) {
	if value != "" {
		t.field(name, "%s", value)
	}
}

// rows writes words, so many a line.
func (t *text) rows(indent string, words []string, each int) {
	for len(words) > 0 {
		n := min(each, len(words))
		t.line("%s%s", indent, strings.TrimRight(strings.Join(words[:n], " "), " "))
		words = words[n:]
	}
}

package trustedroot

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"net/url"
	"slices"
	"strings"

	prototrustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"google.golang.org/protobuf/proto"
)

// maxChain bounds the certificates of one chain that are looked at.
const maxChain = 16

// chainCheck looks at the certificates of one role's chain.
type chainCheck func(path string, chain []*x509.Certificate)

func authorities(l *linter, list string, entries []*prototrustroot.CertificateAuthority, profile chainCheck) []span {
	spans := make([]span, 0, len(entries))
	seen := map[string]string{}
	for i, a := range entries {
		path := fmt.Sprintf("$.%s[%d]", list, i)
		s := newSpan(path, a.GetUri(), a.GetValidFor())
		if s.start.IsZero() {
			l.add(ruleCertWindow, path+".validFor", "The entry has no validFor with a start: it is trusted for all time",
				"Write validFor beside certChain, within the validity of every certificate")
		}
		authorityURI(l, path+".uri", a.GetUri())
		if u, err := url.Parse(a.GetUri()); list == "timestampAuthorities" && err == nil && u.Hostname() != "" && strings.Trim(u.Path, "/") == "" {
			l.add(ruleTSAPath, path+".uri", "The TSA's URL has no path: Sigstore's server answers at /api/v1/timestamp alone", "Write the whole endpoint, as in the signing config, unless the service answers without a path")
		}
		if chain := parsedChain(l, path, a); chain != nil {
			s.issued, s.key = chain[0].NotBefore, spkiDigest(chain[0])
			s.certStart, s.certEnd = chainValidity(chain)
			for _, c := range chain {
				compromise(l, &s, spkiDigest(c))
			}
			windowInChain(l, s)
			subject(l, path, a, chain)
			if links(l, path, list, chain) {
				profile(path, chain)
			}
		}
		if raw, err := (proto.MarshalOptions{Deterministic: true}).Marshal(a.GetCertChain()); err == nil && len(raw) > 0 {
			if first, ok := seen[string(raw)]; ok {
				l.add(ruleTwice, path, fmt.Sprintf("The same chain stands in %s", first), "Write one entry with the whole window")
			} else {
				seen[string(raw)] = path
			}
		}
		spans = append(spans, s)
	}
	return spans
}

func authorityURI(l *linter, path, raw string) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Scheme == "" || u.Hostname() == "":
		l.add(ruleURI, path, fmt.Sprintf("The URI %q has no scheme and host", raw), "Write the service's URL with https://")
	case strings.HasSuffix(raw, "/"):
		l.add(ruleURLForm, path, "The URL ends in a slash", "Remove the slash: URLs are compared as they are written")
	}
}

// parsedChain parses a chain, or returns nil where that cannot be done.
func parsedChain(l *linter, path string, a *prototrustroot.CertificateAuthority) []*x509.Certificate {
	certs := a.GetCertChain().GetCertificates()
	if len(certs) == 0 {
		r := ruleChainAbsent
		if a.GetCertChain() != nil {
			r = ruleChainEmpty
		}
		l.add(r, path+".certChain", "There is no certificate", "Write the chain, leaf first and root last")
		return nil
	}
	if len(certs) > maxChain {
		l.add(ruleChainExtra, path+".certChain", fmt.Sprintf("The chain has %d certificates", len(certs)), "Write one chain, from the issuing certificate to its root")
		certs = certs[:maxChain]
	}
	chain := make([]*x509.Certificate, len(certs))
	for i, c := range certs {
		cert, err := x509.ParseCertificate(c.GetRawBytes())
		if err != nil {
			l.add(ruleCertBroken, certPath(path, i)+".rawBytes", fmt.Sprintf("This is not a certificate: %v", err), "Write the certificate's DER in base64, without the lines of PEM")
			return nil
		}
		chain[i] = cert
	}
	return chain
}

func certPath(path string, i int) string {
	return fmt.Sprintf("%s.certChain.certificates[%d]", path, i)
}

func windowInChain(l *linter, s span) {
	if s.start.After(s.certEnd) {
		l.add(ruleWindowDead, s.path+".validFor.start", fmt.Sprintf("The window opens %s, after the chain has ended (%s): the entry is never valid", stamp(s.start), stamp(s.certEnd)),
			"Write the window of this certificate, or the certificate of this window")
		return
	}
	if !s.start.IsZero() && s.start.Before(s.certStart) {
		l.add(ruleWindowCert, s.path+".validFor.start", fmt.Sprintf("The window opens %s, the chain is valid from %s", stamp(s.start), stamp(s.certStart)), "Open the window no earlier than the newest notBefore of the chain")
	}
	if s.hasEnd && s.end.After(s.certEnd) {
		l.add(ruleWindowCert, s.path+".validFor.end", fmt.Sprintf("The window ends %s, the chain is valid until %s", stamp(s.end), stamp(s.certEnd)), "Close the window no later than the earliest notAfter of the chain")
	}
}

func subject(l *linter, path string, a *prototrustroot.CertificateAuthority, chain []*x509.Certificate) {
	want := anchorSubject(chain[len(chain)-1])
	if got := a.GetSubject(); got.GetOrganization() != want.GetOrganization() || got.GetCommonName() != want.GetCommonName() {
		l.add(ruleSubject, path+".subject", fmt.Sprintf("The subject is O=%s, CN=%s, the chain's last certificate is O=%s, CN=%s",
			got.GetOrganization(), got.GetCommonName(), want.GetOrganization(), want.GetCommonName()), "Write the organization and common name of the chain's last certificate")
	}
	for i, c := range chain {
		if c.Subject.CommonName == "" || len(c.Subject.Organization) == 0 {
			l.add(ruleNames, certPath(path, i), "The certificate's subject lacks an organization or a common name", "Issue the next generation with both (Sigstore's certificate specification)")
		}
	}
}

// links reports whether a chain is leaf-first to a self-signed root, and finds
// out what it is where it is not.
func links(l *linter, path, list string, chain []*x509.Certificate) bool {
	linked := true
	for i := range chain[:len(chain)-1] {
		linked = linked && issuedBy(chain[i], chain[i+1])
	}
	tsa := list == "timestampAuthorities"
	at := path + ".certChain"
	if linked {
		last := chain[len(chain)-1]
		if issuedBy(last, last) {
			return true
		}
		r := ruleChainShort
		if tsa && len(chain) == 1 {
			r.effects = goDoes(Rejects, effects{SigstoreJS: Rejects})
		}
		l.add(r, at, "The chain does not reach a self-signed root", "Append the certificates up to and with the root")
		return true
	}
	upward := ascend(chain)
	top := upward[len(upward)-1]
	switch {
	case len(upward) == len(chain):
		r := ruleChainOrder
		if tsa {
			r = ruleChainOrderTSA
		}
		l.add(r, at, "The certificates are not in order", "Write the issuing certificate first, then each one's issuer, the root last")
	case issuedBy(top, top):
		l.add(ruleChainExtra, at, fmt.Sprintf("%d of %d certificates are not part of the chain", len(chain)-len(upward), len(chain)), "Write one chain, from the issuing certificate to its root")
	default:
		l.add(ruleChainBroken, at, fmt.Sprintf("No certificate here has signed the one of %q", top.Subject), "Write the certificates that issued each other")
	}
	return false
}

// ascend follows issuers upward from the certificate that has issued no other.
func ascend(chain []*x509.Certificate) []*x509.Certificate {
	start := chain[0]
	for _, c := range chain {
		if !slices.ContainsFunc(chain, func(other *x509.Certificate) bool { return !other.Equal(c) && issuedBy(other, c) }) {
			start = c
			break
		}
	}
	path := []*x509.Certificate{start}
	for {
		at := path[len(path)-1]
		i := slices.IndexFunc(chain, func(c *x509.Certificate) bool { return !slices.ContainsFunc(path, c.Equal) && issuedBy(at, c) })
		if i < 0 {
			return path
		}
		path = append(path, chain[i])
	}
}

// issuedBy reports whether a certificate names its issuer and is signed by it,
// CA or not.
func issuedBy(c, parent *x509.Certificate) bool {
	return bytes.Equal(c.RawIssuer, parent.RawSubject) && parent.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
}

package attestation

import (
	"crypto/x509"
	"embed"
	"encoding/pem"
	"fmt"
	"strings"
	"sync"
)

//go:embed certs/*.pem
var files embed.FS

// Roots is the set of certificates at which an attestation may end. The zero
// value holds none and verifies nothing.
type Roots struct {
	roots         []*x509.Certificate
	intermediates []*x509.Certificate
	rehearsal     bool
}

// Yubico returns Yubico's roots and the intermediates of its PIV attestations,
// as embedded: "Yubico PIV Root CA Serial 263751", "Yubico U2F Root CA Serial
// 457200631" (some early YubiKey 4) and "Yubico Attestation Root 1".
func Yubico() Roots { return yubico() }

// Rehearsal returns a set that holds one root, that of a rehearsal's virtual
// tokens, with the intermediates under it, and none of Yubico's. A nil root
// gives an empty set.
func Rehearsal(root *x509.Certificate, intermediates ...*x509.Certificate) Roots {
	if root == nil {
		return Roots{rehearsal: true}
	}
	return Roots{roots: []*x509.Certificate{root}, intermediates: intermediates, rehearsal: true}
}

var yubico = sync.OnceValue(func() Roots {
	u2f := load("certs/yubico-u2f-ca-1.pem")
	for _, c := range u2f {
		// its pathlen of 0 leaves no room for the device certificates that
		// Yubico issued under it; piv-go v2.6.0 sets the same 1.
		c.MaxPathLen, c.MaxPathLenZero = 1, false
	}
	r := Roots{roots: load("certs/yubico-piv-ca-1.pem")}
	r.roots = append(r.roots, u2f...)
	r.roots = append(r.roots, load("certs/yubico-ca-1.pem")...)
	for _, c := range load("certs/yubico-intermediate.pem") {
		// FIDO, OpenPGP and Secure Domain attestations have issuers of their
		// own in the same file; none of them speaks of a PIV slot.
		if cn := c.Subject.CommonName; strings.Contains(cn, " PIV ") || strings.Contains(cn, " Intermediate ") {
			r.intermediates = append(r.intermediates, c)
		}
	}
	return r
})

// load panics on a file that does not parse: the files are part of the binary
// and a test reads them all.
func load(name string) []*x509.Certificate {
	rest, err := files.ReadFile(name)
	if err != nil {
		panic(err)
	}
	var out []*x509.Certificate
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return out
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			panic(fmt.Sprintf("%s: %v", name, err))
		}
		out = append(out, c)
	}
}

func (r Roots) names() string {
	names := make([]string, len(r.roots))
	for i, c := range r.roots {
		names[i] = fmt.Sprintf("%q", c.Subject.CommonName)
	}
	return strings.Join(names, ", ")
}

package adopt

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/finding"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/lint"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// adoptedAuthority is one authority and its certificates, ascending.
type adoptedAuthority struct {
	name, profile, issuer string
	generations           []*x509.Certificate
	chains                [][]*x509.Certificate // of each generation, itself first
}

// names of authorities by profile, as the default plan has them.
var adoptedNames = map[string]string{
	pki.ProfileRoot: plan.RootAuthority, pki.ProfileFulcioCA: "fulcio", pki.ProfileTSA: "tsa",
	pki.ProfileTSACA: "tsa-ca", pki.ProfileTSALeaf: "tsa", pki.ProfileSPIFFECA: "spire",
}

// group sorts certificates into authorities: same profile and same subject are
// generations of one.
func group(a *Adoption, in *adopted) error {
	var errs []error
	groups := map[string]*adoptedAuthority{}
	taken := map[string]bool{}
	slices.SortStableFunc(in.certificates, func(x, y *x509.Certificate) int { return x.NotBefore.Compare(y.NotBefore) })
	for _, c := range in.certificates {
		chain, err := chainOf(c, in.certificates)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		profile := lint.ProfileOf(c, chain[1:])
		if profile == "" {
			profile = pki.ProfileOther // whatever else signs under the root has a place
		}
		if err := unusable(c, chain, profile); err != nil {
			errs = append(errs, err)
			continue
		}
		key := profile + string(c.RawSubject)
		g := groups[key]
		if g == nil {
			name := adoptedNames[profile]
			if profile == pki.ProfileOther {
				name = otherName(c)
			}
			g = &adoptedAuthority{name: freeName(name, taken), profile: profile}
			groups[key] = g
			a.authorities = append(a.authorities, g)
		}
		g.generations = append(g.generations, c)
		g.chains = append(g.chains, chain)
	}
	if !taken[plan.RootAuthority] {
		errs = append(errs, errors.New("there is no self-signed root certificate"))
	}
	if taken[plan.RootAuthority+"-2"] {
		errs = append(errs, errors.New("there are two roots with different subjects: adopt each into a directory of its own"))
	}
	for _, g := range a.authorities {
		if g.profile != pki.ProfileRoot {
			g.issuer = nameOf(a, g.chains[len(g.chains)-1][1])
		}
	}
	slices.SortStableFunc(a.authorities, func(x, y *adoptedAuthority) int { return len(x.chains[0]) - len(y.chains[0]) })
	for _, g := range a.authorities {
		for i, c := range g.generations {
			a.found("%s: %s, serial %s, %s to %s", trustdir.GenerationName(g.name, i+1), c.Subject, pki.SerialHex(c.SerialNumber), trustdir.Stamp(c.NotBefore), trustdir.Stamp(c.NotAfter))
			lintCertificate(a, trustdir.GenerationName(g.name, i+1), c, g.chains[i][1:], g.profile)
		}
	}
	return errors.Join(errs...)
}

func freeName(name string, taken map[string]bool) string {
	free := name
	for n := 2; taken[free]; n++ {
		free = fmt.Sprintf("%s-%d", name, n)
	}
	taken[free] = true
	return free
}

func nameOf(a *Adoption, c *x509.Certificate) string {
	for _, g := range a.authorities {
		if slices.ContainsFunc(g.generations, c.Equal) {
			return g.name
		}
	}
	return plan.RootAuthority
}

func lintCertificate(a *Adoption, where string, c *x509.Certificate, chain []*x509.Certificate, profile string) {
	for _, f := range linterOnce().Findings(c, chain, profile) {
		if f.Severity == finding.Info {
			continue
		}
		f.Repair = "a published certificate stays as it is"
		if f.Place != "" && profile != pki.ProfileOther { // one of those is read and never issued
			f.Repair += "; for the next generation change authorities." + strings.Fields(where)[0] + "." + f.Place
		}
		f.Place = where
		a.Defects = append(a.Defects, f)
	}
}

// chainOf finds the issuers of a certificate, itself first, root last.
func chainOf(c *x509.Certificate, all []*x509.Certificate) ([]*x509.Certificate, error) {
	chain := []*x509.Certificate{c}
	for at := c; !bytes.Equal(at.RawIssuer, at.RawSubject) || at.CheckSignatureFrom(at) != nil; {
		i := slices.IndexFunc(all, func(by *x509.Certificate) bool {
			return !by.Equal(at) && bytes.Equal(by.RawSubject, at.RawIssuer) && at.CheckSignatureFrom(by) == nil
		})
		if i < 0 {
			if by := issuerByEye(at, all); by != nil {
				return nil, fmt.Errorf("%s (serial %s) writes its issuer's name in other string types than %s writes its own: RFC 5280 7.1 calls the names equal and OpenSSL finds the chain, but Go compares the bytes, so Fulcio, the timestamp authority, cosign and sigstore-go find none: issue it again with the issuer's name byte for byte",
					c.Subject, pki.SerialHex(c.SerialNumber), by.Subject)
			}
		}
		if i < 0 || len(chain) > 5 {
			return nil, fmt.Errorf("%s (serial %s): the certificate of its issuer %s is not here: bring it", c.Subject, pki.SerialHex(c.SerialNumber), at.Issuer)
		}
		at = all[i]
		chain = append(chain, at)
	}
	return chain, nil
}

// issuerByEye finds the certificate that signed another and has its issuer's
// name in other bytes.
func issuerByEye(c *x509.Certificate, all []*x509.Certificate) *x509.Certificate {
	for _, by := range all {
		if !by.Equal(c) && by.Subject.String() == c.Issuer.String() && by.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil {
			return by
		}
	}
	return nil
}

// unusable says why no time-stamping server runs with a chain: adopting it would
// promise what cannot be (timestamp-authority's own check at its start).
func unusable(c *x509.Certificate, chain []*x509.Certificate, profile string) error {
	if profile != pki.ProfileTSA && profile != pki.ProfileTSALeaf {
		return nil
	}
	stamping := func(c *x509.Certificate) bool { return slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageTimeStamping) }
	for _, by := range chain[1:max(1, len(chain)-1)] {
		if !stamping(by) {
			return fmt.Errorf("%s (serial %s) is issued by %s, which lacks the extended key usage timeStamping: Sigstore's timestamp authority does not start with this chain; issue an intermediate with timeStamping",
				c.Subject, pki.SerialHex(c.SerialNumber), by.Subject)
		}
	}
	for _, e := range c.Extensions {
		if e.Id.String() == "2.5.29.37" && !e.Critical {
			return fmt.Errorf("%s (serial %s): its extended key usage is not critical (RFC 3161 2.3): Sigstore's timestamp authority does not start with it, and sigstore-go rejects its timestamps; issue it again with a critical one",
				c.Subject, pki.SerialHex(c.SerialNumber))
		}
	}
	return nil
}

// otherName makes an authority's name of a common name.
func otherName(c *x509.Certificate) string {
	name := strings.Trim(nameless.ReplaceAllString(strings.ToLower(c.Subject.CommonName), "-"), "-")
	if name == "" || len(name) > 40 {
		return "other"
	}
	return name
}

// maxGap bounds a run of serial numbers that is taken for a counter.
const maxGap = 64

// withheld are serial numbers that nobody may use again.
type withheld struct {
	serials []string
	reason  string
}

// checkSerials looks for serial numbers that were counted up: predictable, and
// with holes that someone must account for. They are unique per issuer (RFC 5280
// 4.1.2.2).
func checkSerials(a *Adoption) {
	type numbered struct {
		where string
		n     *big.Int
	}
	byIssuer := map[string][]numbered{}
	for _, g := range a.authorities {
		for i, c := range g.generations {
			byIssuer[string(c.RawIssuer)] = append(byIssuer[string(c.RawIssuer)], numbered{trustdir.GenerationName(g.name, i+1), c.SerialNumber})
		}
	}
	for _, issuer := range slices.Sorted(maps.Keys(byIssuer)) {
		all := byIssuer[issuer]
		slices.SortFunc(all, func(x, y numbered) int { return x.n.Cmp(y.n) })
		for i := 1; i < len(all); i++ {
			gap := new(big.Int).Sub(all[i].n, all[i-1].n)
			switch {
			case !gap.IsInt64() || gap.Int64() > maxGap:
				continue
			case gap.Sign() == 0:
				a.problems = append(a.problems, fmt.Errorf("serial %s is that of %s and of %s, from one issuer: no revocation could tell them apart; leave out the one that was never used", pki.SerialHex(all[i].n), all[i-1].where, all[i].where))
				continue
			}
			a.defect("serial-sequential", all[i].where, "serial numbers that trustroot draws have 158 random bits; those that exist are kept",
				"serial %s runs on from %s of %s: the next one can be guessed", pki.SerialHex(all[i].n), pki.SerialHex(all[i-1].n), all[i-1].where)
			if gap.Int64() > 1 {
				missing(a, all[i-1].n, gap.Int64()-1, all[i-1].where, all[i].where)
			}
		}
	}
}

// missing asks what became of a run of serial numbers.
func missing(a *Adoption, last *big.Int, n int64, before, after string) {
	var serials []string
	for i := int64(1); i <= n; i++ {
		serials = append(serials, ledger.SerialHex(new(big.Int).Add(last, big.NewInt(i))))
	}
	what := "serial " + serials[0] + " lies"
	pronoun, was := "it", "Was it"
	if n > 1 {
		pronoun, was = "them", "Were they"
		what = fmt.Sprintf("%d serials, %s to %s, lie", n, serials[0], serials[n-1])
	}
	answer, ok := ask(a, Question{
		ID: "missing." + serials[0], Default: unknown, Form: "what became of them, in a few words",
		Text:  fmt.Sprintf("The %s between %s and %s, and no certificate here has %s. %s signed and never published, or never used?", what, before, after, pronoun, was),
		Wrong: "a certificate that exists and is not known here can be revoked by nobody; the numbers are not used again in any case",
	})
	if !ok {
		return
	}
	a.withheld = append(a.withheld, withheld{serials, answer})
	a.found("%s between %s and %s: noted as signed or skipped, and never given out: %s", what, before, after, answer)
}

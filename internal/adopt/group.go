package adopt

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
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
func (a *Adoption) group(in *adopted) error {
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
			errs = append(errs, fmt.Errorf("%s (serial %s): its usages are those of no profile", c.Subject, pki.SerialHex(c.SerialNumber)))
			continue
		}
		key := profile + string(c.RawSubject)
		g := groups[key]
		if g == nil {
			g = &adoptedAuthority{name: freeName(adoptedNames[profile], taken), profile: profile}
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
			g.issuer = a.nameOf(g.chains[len(g.chains)-1][1])
		}
	}
	slices.SortStableFunc(a.authorities, func(x, y *adoptedAuthority) int { return len(x.chains[0]) - len(y.chains[0]) })
	for _, g := range a.authorities {
		for i, c := range g.generations {
			a.found("%s: %s, serial %s, %s to %s", trustdir.GenerationName(g.name, i+1), c.Subject, pki.SerialHex(c.SerialNumber), trustdir.Stamp(c.NotBefore), trustdir.Stamp(c.NotAfter))
			a.lintCertificate(trustdir.GenerationName(g.name, i+1), c, g.chains[i][1:], g.profile)
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

func (a *Adoption) nameOf(c *x509.Certificate) string {
	for _, g := range a.authorities {
		for _, have := range g.generations {
			if have.Equal(c) {
				return g.name
			}
		}
	}
	return plan.RootAuthority
}

func (a *Adoption) lintCertificate(where string, c *x509.Certificate, chain []*x509.Certificate, profile string) {
	for _, f := range linterOnce().Findings(c, chain, profile) {
		if f.Severity == finding.Info {
			continue
		}
		f.Repair = "a published certificate stays as it is"
		if f.Place != "" {
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
		if i < 0 || len(chain) > 5 {
			return nil, fmt.Errorf("%s (serial %s): the certificate of its issuer %s is not here", c.Subject, pki.SerialHex(c.SerialNumber), at.Issuer)
		}
		at = all[i]
		chain = append(chain, at)
	}
	return chain, nil
}

// maxGap bounds a run of serial numbers that is taken for a counter.
const maxGap = 64

// checkSerials looks for serial numbers that were counted up: predictable, and
// with holes that someone must account for.
func (a *Adoption) checkSerials() {
	type numbered struct {
		where string
		n     *big.Int
	}
	var all []numbered
	seen := map[string]string{}
	for _, g := range a.authorities {
		for i, c := range g.generations {
			where := trustdir.GenerationName(g.name, i+1)
			if other, twice := seen[ledger.SerialHex(c.SerialNumber)]; twice {
				a.defect("serial-reused", where, "renew one of the two", "serial %s is that of %s as well", pki.SerialHex(c.SerialNumber), other)
			}
			seen[ledger.SerialHex(c.SerialNumber)] = where
			all = append(all, numbered{where, c.SerialNumber})
		}
	}
	slices.SortFunc(all, func(x, y numbered) int { return x.n.Cmp(y.n) })
	for i := 1; i < len(all); i++ {
		gap := new(big.Int).Sub(all[i].n, all[i-1].n)
		if !gap.IsInt64() || gap.Int64() > maxGap || gap.Int64() < 1 {
			continue
		}
		a.defect("serial-sequential", all[i].where, "serial numbers that trustroot draws have 158 random bits; those that exist are kept",
			"serial %s runs on from %s of %s: the next one can be guessed", pki.SerialHex(all[i].n), pki.SerialHex(all[i-1].n), all[i-1].where)
		for n := int64(1); n < gap.Int64(); n++ {
			a.missing(ledger.SerialHex(new(big.Int).Add(all[i-1].n, big.NewInt(n))), all[i-1].where, all[i].where)
		}
	}
}

func (a *Adoption) missing(serial, before, after string) {
	if reason := a.options.Missing[serial]; reason != "" {
		a.withheld = append(a.withheld, serial)
		a.found("serial %s is noted as signed or skipped, and never given out: %s", serial, reason)
		return
	}
	a.ask("--missing "+serial+"='what became of it'",
		"serial %s lies between %s and %s, and no certificate here has it: was it signed and never published, or never used? Either way it is not used again", serial, before, after)
}

package services

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/ledger"
)

// defects are the names under which findings tell the defects of a chain.
var defects = []struct {
	err error
	id  string
}{
	{ErrReversed, "chain-reversed"},
	{ErrRootMissing, "root-missing"},
	{ErrBroken, "chain-broken"},
	{ErrNoCA, "no-ca"},
	{ErrNoCertSign, "no-key-cert-sign"},
	{ErrNoPurpose, "no-extended-key-usage"},
	{ErrAlone, "certificate-alone"},
}

// defectOf is the name of the defect that a line of a chain's error tells.
func defectOf(line string) string {
	for _, d := range defects {
		if strings.HasPrefix(line, d.err.Error()) {
			return d.id
		}
	}
	return "chain-broken"
}

// authorityChain is a generation of the ledger and its chain.
type authorityChain struct {
	ledger.Generation
	chain []*x509.Certificate
}

// readChains reads every generation's chain, and says which cannot be read.
func readChains(q *inquiry) []authorityChain {
	var out []authorityChain
	for _, g := range q.generations {
		_, chain, err := q.source.chain(g)
		if err != nil {
			unanswered(q, "ledger-file", "restore it from git or from the ceremony's record", "generation %d of the ledger cannot be compared: %v", g.Number, err)
			continue
		}
		out = append(out, authorityChain{g, chain})
	}
	return out
}

// checkChain holds a chain that a service serves against those of the ledger:
// its order and purposes first, then whose it is.
func checkChain(q *inquiry, served []*x509.Certificate, known []authorityChain, check func([]*x509.Certificate) error) {
	repair := "give it the chain.pem that `trustroot services render " + q.Name + "` writes, and start it again"
	err := check(served)
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			q.mismatch(defectOf(line), repair, "%s", line)
		}
	}
	if len(served) == 0 {
		return
	}
	of := slices.IndexFunc(known, func(k authorityChain) bool {
		return slices.ContainsFunc(served, k.chain[0].Equal)
	})
	if of < 0 {
		stranger(q, served[0], known, repair)
		return
	}
	if q.Generation == 0 { // of several chains the first is the one that issues
		q.Generation = known[of].Number
		own(q, known[of].chain[0])
	}
	if err == nil && !slices.EqualFunc(served, known[of].chain, (*x509.Certificate).Equal) {
		q.mismatch("other-chain", repair, "its certificate is generation %d's and its chain is not: %s in place of %s",
			known[of].Number, subjects(served), subjects(known[of].chain))
	}
}

// stranger says what a certificate is that no generation has.
func stranger(q *inquiry, c *x509.Certificate, known []authorityChain, repair string) {
	name := fmt.Sprintf("%s (SHA-256 %s, until %s)", firstLine([]byte(c.Subject.String())), digest.Hex(c.Raw), c.NotAfter.UTC().Format(time.DateOnly))
	for _, k := range known {
		if bytes.Equal(k.chain[0].RawSubjectPublicKeyInfo, c.RawSubjectPublicKeyInfo) {
			q.mismatch("old-chain", repair, "an old chain: %s has generation %d's key and is another certificate", name, k.Number)
			return
		}
	}
	q.mismatch("unknown-certificate", repair, "the ledger has no generation with the certificate it serves, %s", name)
}

// own notes the certificate that the service works with.
func own(q *inquiry, c *x509.Certificate) {
	q.raw = base64.StdEncoding.EncodeToString(c.Raw)
	q.Expires = []Expiry{{"certificate", c.NotAfter.UTC()}}
	switch left := c.NotAfter.Sub(q.source.Now); {
	case left < 0:
		q.mismatch("expired", "renew it: `trustroot renew "+q.Name+"`", "its certificate ended on %s", c.NotAfter.UTC().Format(time.RFC3339))
	case left < soon:
		q.notice("expires-soon", "renew it: `trustroot renew "+q.Name+"`", "its certificate ends on %s", c.NotAfter.UTC().Format(time.RFC3339))
	}
}

// soon is when a certificate's end is worth a notice.
const soon = 90 * 24 * time.Hour

func subjects(chain []*x509.Certificate) string {
	names := make([]string, 0, len(chain))
	for _, c := range chain {
		names = append(names, firstLine([]byte(c.Subject.CommonName)))
	}
	return strings.Join(names, " ← ")
}

// parseChain reads certificates in PEM and nothing else.
func parseChain(data []byte) ([]*x509.Certificate, error) {
	chain, err := pki.ParseCertificates(data)
	if err == nil && len(chain) > maxChain {
		err = errors.New("a chain of more certificates than any service has")
	}
	if err != nil {
		return nil, err
	}
	return chain, nil
}

// maxChain bounds the certificates in a chain.
const maxChain = 10

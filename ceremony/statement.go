package ceremony

import (
	"encoding/hex"
	"fmt"

	"github.com/linnemanlabs/trustroot/ceremony/journal"
	"github.com/linnemanlabs/trustroot/ceremony/record"
	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/ledger"
)

// statementOf writes the one statement that follows from sealed files, the
// journal's head among what it says.
func statementOf(r *request.Request, sealed map[string][]byte) ([]byte, error) {
	text := sealed[record.Journal]
	entries, err := journal.Verify(text)
	if err != nil {
		return nil, err
	}
	sum := r.Digest()
	m := r.Manifest
	c := r.Plan.Ceremonies[m.Ceremony]
	p := record.Predicate{
		Organization:   r.Plan.Organization,
		Ceremony:       m.Ceremony,
		Day:            c.Day,
		Rehearsal:      r.Plan.Rehearsal != nil,
		Token:          c.Token,
		Sequence:       m.Sequence,
		Request:        hex.EncodeToString(sum[:]),
		LedgerHead:     m.LedgerHead,
		JournalHead:    journal.HeadOf(text),
		JournalEntries: len(entries),
		Certificates:   []record.Certificate{},
	}
	for _, item := range r.Items {
		name := record.CertificateFile(item.Authority, item.Generation)
		cert, err := pki.ParseCertificate(sealed[name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		p.Certificates = append(p.Certificates, record.Certificate{
			Authority:  item.Authority,
			Generation: item.Generation,
			Serial:     ledger.SerialHex(cert.SerialNumber),
			SHA256:     digest.Hex(cert.Raw),
		})
	}
	return record.NewStatement(sealed, p)
}

package ceremony

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"math/big"
	"strconv"
	"time"
)

// memorySlot is the retired slot whose certificate object keeps what the token
// remembers. It holds no key.
const memorySlot = "95"

// memoryName marks the certificate as ours.
const memoryName = "trustroot: newest request"

// memory is the newest request that a root's token has worked for.
type memory struct {
	Sequence   int    `json:"sequence"`
	LedgerHead string `json:"ledger_head"`    // hex, in the request's manifest
	Request    string `json:"request_sha256"` // hex, of the request's SHA256SUMS
}

// certificate writes a memory as a certificate, the only thing that a PIV
// object of a slot may be: the number is its serial number, the digests are
// organizational units. It is signed by a key that is thrown away: what guards
// it is the token's management key.
func (m memory) certificate() (*x509.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the memory's throw-away key: %w", err)
	}
	return m.signed(key)
}

func (m memory) signed(key crypto.Signer) (*x509.Certificate, error) {
	long := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC) // RFC 5280 4.1.2.5: no expiry
	der, err := x509.CreateCertificate(rand.Reader, m.template(long), m.template(long), key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("write the memory: %w", err)
	}
	return x509.ParseCertificate(der)
}

func (m memory) template(notAfter time.Time) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(int64(m.Sequence)),
		Subject: pkix.Name{
			CommonName:   memoryName,
			SerialNumber: strconv.Itoa(m.Sequence),
			ExtraNames:   units(m.LedgerHead, m.Request),
		},
		NotBefore: time.Unix(0, 0).UTC(),
		NotAfter:  notAfter,
	}
}

// units are organizational units, each in an RDN of its own so that their
// order stays.
func units(values ...string) []pkix.AttributeTypeAndValue {
	out := make([]pkix.AttributeTypeAndValue, 0, len(values))
	for _, v := range values {
		out = append(out, pkix.AttributeTypeAndValue{Type: []int{2, 5, 4, 11}, Value: v})
	}
	return out
}

// parseMemory reads what certificate wrote. A certificate that is something
// else is refused: the slot is the tool's.
func parseMemory(c *x509.Certificate) (memory, error) {
	other := fmt.Errorf("slot %s holds a certificate of %q, which is not what a ceremony writes there", memorySlot, c.Subject)
	unit := c.Subject.OrganizationalUnit
	if c.Subject.CommonName != memoryName || len(unit) != 2 || !c.SerialNumber.IsInt64() {
		return memory{}, other
	}
	m := memory{Sequence: int(c.SerialNumber.Int64()), LedgerHead: unit[0], Request: unit[1]}
	for _, text := range unit {
		if raw, err := hex.DecodeString(text); err != nil || len(raw) != 32 {
			return memory{}, other
		}
	}
	if m.Sequence < 1 || c.Subject.SerialNumber != strconv.Itoa(m.Sequence) {
		return memory{}, other
	}
	return m, nil
}

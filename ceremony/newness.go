package ceremony

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"time"

	"github.com/linnemanlabs/trustroot/ceremony/journal"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/yubikey"
)

const stepRemember = "remember"

// mine is what the token will remember of this ceremony's request.
func mine(d *day) memory {
	digest := d.Request.Digest()
	m := d.Request.Manifest
	return memory{Sequence: m.Sequence, LedgerHead: m.LedgerHead, Request: hex.EncodeToString(digest[:])}
}

// readMemory returns what the token remembers, nil where it has never worked
// for a request.
func readMemory(d *day) (*memory, error) {
	info, err := d.device.Slot(memorySlot)
	if err != nil {
		return nil, fmt.Errorf("read what the token remembers: %w", err)
	}
	if info.Certificate == nil {
		return nil, nil
	}
	m, err := parseMemory(info.Certificate)
	if err != nil {
		return nil, fault.New(fault.Device, "free that slot, if you know what is in it, and run the same command again", err)
	}
	return &m, nil
}

// checkNewer refuses a request that is not newer than the one remembered, or
// whose ledger does not go on from the one that the token has seen. This
// ceremony's own memory, left by a run that was cut, is not an obstacle.
func checkNewer(d *day, remembered *memory) error {
	begun := d.journal.Last(stepRemember).State
	switch {
	case remembered == nil && begun == journal.Done:
		return fault.New(fault.Device, "put in the token with which this ceremony began",
			errors.New("the token does not remember this ceremony: it was reset, or its memory was erased"))
	case remembered == nil:
		return nil
	case *remembered == mine(d) && (begun == journal.Done || begun == journal.Intended):
		return nil
	case *remembered == mine(d):
		return replayed("the token has worked for this very request before, and this folder does not hold that ceremony's journal")
	case begun == journal.Done:
		return replayed(fmt.Sprintf("the token remembers request %d and not this ceremony's", remembered.Sequence))
	case d.Request.Manifest.Sequence <= remembered.Sequence:
		return replayed(fmt.Sprintf("this is request %d, and the token has worked for request %d", d.Request.Manifest.Sequence, remembered.Sequence))
	}
	l, err := ledger.Parse(d.Request.LedgerBytes)
	if err != nil {
		return err
	}
	if err := l.CheckHead(remembered.LedgerHead); err != nil {
		return fault.New(fault.Verification, "find out who cut or rewrote the ledger before anything is signed",
			fmt.Errorf("the ledger in this request does not hold the line that the token saw with request %d: %w; the token was not changed", remembered.Sequence, err))
	}
	return nil
}

func replayed(why string) error {
	return fault.New(fault.Verification, "have a new request made, or go on where that ceremony's folder is (--out)",
		errors.New("not a new request: "+why+"; the token was not changed"))
}

// remember has the token remember this request before the first signature, so
// that nothing is ever signed for it again elsewhere.
func (d *day) remember(context.Context) error {
	_, err := once(d, stepRemember, mine(d), func(m memory, _ bool) (map[string]string, error) {
		c, err := m.certificate()
		if err != nil {
			return nil, err
		}
		return map[string]string{"slot": memorySlot}, d.device.Install(memorySlot, c)
	})
	return err
}

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

// minFirmware is the first firmware that does not leak ECDSA keys to whoever
// holds the token (YSA-2024-03).
var minFirmware = yubikey.Version{5, 7, 0}

// identity is what the journal keeps of the token.
type identity struct {
	Serial     uint32  `json:"serial"`
	Firmware   string  `json:"firmware"`
	Remembered *memory `json:"remembered"` // null where the token remembers no request
}

// identify opens the token, refuses any but the plan's, and refuses a request
// that is not newer than the newest one that the token remembers. It only
// reads.
func (d *day) identify(ctx context.Context) error {
	if err := openToken(ctx, d); err != nil {
		return err
	}
	remembered, err := readMemory(d)
	if err != nil {
		return err
	}
	id := d.device.Identity()
	if err := d.journal.Note(journal.KindDevice, "", identity{id.Serial, id.Firmware.String(), remembered}); err != nil {
		return err
	}
	return checkNewer(d, remembered)
}

func openToken(ctx context.Context, d *day) error {
	device, err := d.Open(ctx, d.Serial)
	if err != nil {
		return err
	}
	d.device = device
	id := device.Identity()
	if id.Serial != d.plan.Token {
		return fault.New(fault.Device, "put in the token that the plan names",
			fmt.Errorf("this is token %d, the plan's ceremony is for token %d", id.Serial, d.plan.Token))
	}
	if id.Firmware.Less(minFirmware) && !d.Request.Plan.Allows(plan.ExceptionOldFirmware) {
		return fault.New(fault.Device, "use a token with firmware 5.7 or later, or name the exception "+plan.ExceptionOldFirmware+" in the plan",
			fmt.Errorf("token %d has firmware %s, whose ECDSA keys can be extracted by whoever holds it (YSA-2024-03)", id.Serial, id.Firmware))
	}
	return nil
}

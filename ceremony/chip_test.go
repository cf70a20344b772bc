package ceremony

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"os"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/yubikey"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

// chip is a token in memory with real keys. It outlives the devices that are
// opened on it, as a token outlives the process that uses it.
type chip struct {
	Serial    uint32
	Root, F9  []byte // DER: the attestation root, and the certificate of slot f9
	F9Key     []byte // SEC 1
	Keys      map[yubikey.Slot]chipKey
	Certs     map[yubikey.Slot][]byte // DER
	Generated map[yubikey.Slot]int
	Signed    map[string]int // signatures by slot and hex digest
	PINs      int

	path string                   // keeps the state for other processes; empty: it does not
	cut  func(point string) error // called before and after the effect of every exchange
}

type chipKey struct {
	DER     []byte // SEC 1
	Options yubikey.KeyOptions
}

func newChip(t testing.TB, serial uint32) *chip {
	t.Helper()
	rootKey, f9Key := testpki.Key(t, elliptic.P256()), testpki.Key(t, elliptic.P256())
	root := authority("Test Attestation Root")
	rootDER := signed(t, root, root, rootKey.Public(), rootKey)
	root = testpki.Parse(t, rootDER)
	sec1, err := x509.MarshalECPrivateKey(f9Key)
	must(t, err)
	return &chip{
		Serial: serial, Root: rootDER, F9: signed(t, authority("Test PIV Attestation"), root, f9Key.Public(), rootKey), F9Key: sec1,
		Keys: map[yubikey.Slot]chipKey{}, Certs: map[yubikey.Slot][]byte{}, Generated: map[yubikey.Slot]int{}, Signed: map[string]int{},
	}
}

func authority(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: time.Now().AddDate(50, 0, 0), IsCA: true, BasicConstraintsValid: true,
	}
}

func signed(t testing.TB, c, issuer *x509.Certificate, pub crypto.PublicKey, key crypto.Signer) []byte {
	t.Helper()
	return testpki.Certify(t, c, issuer, pub, key).Raw
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// exchange is one command to the chip: it may be cut before it has an effect,
// or after, when its answer is lost.
func (c *chip) exchange(name string, effect func() error) error {
	if c.cut != nil {
		if err := c.cut("before device " + name); err != nil {
			return err
		}
	}
	if err := effect(); err != nil {
		return err
	}
	if err := c.save(); err != nil {
		return err
	}
	if c.cut != nil {
		return c.cut("after device " + name)
	}
	return nil
}

func (c *chip) save() error {
	if c.path == "" {
		return nil
	}
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.path+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(c.path+".new", c.path)
}

func loadChip(path string) (*chip, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c := &chip{path: path}
	return c, json.Unmarshal(data, c)
}

// device is the chip as one process has it open.
type device struct {
	chip     *chip
	operator Operator
	pin      bool // asked once
}

func (c *chip) open(o Operator) func(context.Context, uint32) (Device, error) {
	return func(_ context.Context, serial uint32) (Device, error) {
		if serial != c.Serial {
			return nil, fault.New(fault.Device, "", yubikey.ErrNotFound)
		}
		return &device{chip: c, operator: o}, c.exchange("open", func() error { return nil })
	}
}

func (d *device) Identity() yubikey.Identity {
	return yubikey.Identity{Serial: d.chip.Serial, Firmware: yubikey.Version{5, 7, 4}, Reader: "test"}
}

func (d *device) Close() error { return nil }

func (d *device) askPIN() error {
	if d.pin {
		return nil
	}
	d.chip.PINs++
	d.pin = true
	_, err := d.operator.Secret("PIN")
	return err
}

func (d *device) Slot(s yubikey.Slot) (info yubikey.SlotInfo, err error) {
	err = d.chip.exchange("slot "+string(s), func() error {
		info = yubikey.SlotInfo{Slot: s, Empty: true}
		if der, ok := d.chip.Certs[s]; ok {
			if info.Certificate, err = x509.ParseCertificate(der); err != nil {
				return err
			}
		}
		if _, ok := d.chip.Keys[s]; ok {
			key, err := d.chip.private(s)
			info.Empty, info.Origin, info.PublicKey = false, yubikey.Generated, key.Public()
			return err
		}
		return nil
	})
	return info, err
}

func (c *chip) private(s yubikey.Slot) (*ecdsa.PrivateKey, error) {
	return x509.ParseECPrivateKey(c.Keys[s].DER)
}

func (d *device) Generate(s yubikey.Slot, o yubikey.KeyOptions) (pub crypto.PublicKey, err error) {
	if err := d.askPIN(); err != nil {
		return nil, err
	}
	err = d.chip.exchange("generate "+string(s), func() error {
		if _, ok := d.chip.Keys[s]; ok {
			return yubikey.ErrSlotInUse
		}
		curve := elliptic.P384()
		if o.Algorithm == "P-256" {
			curve = elliptic.P256()
		}
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			return err
		}
		der, err := x509.MarshalECPrivateKey(key)
		d.chip.Keys[s] = chipKey{der, o}
		d.chip.Generated[s]++
		pub = key.Public()
		return err
	})
	return pub, err
}

func (d *device) Overwrite(s yubikey.Slot, expected crypto.PublicKey, o yubikey.KeyOptions) (pub crypto.PublicKey, err error) {
	if err := d.askPIN(); err != nil {
		return nil, err
	}
	err = d.chip.exchange("overwrite "+string(s), func() error {
		key, err := d.chip.private(s)
		if err != nil || !key.PublicKey.Equal(expected) {
			return yubikey.ErrOtherKey
		}
		made, err := ecdsa.GenerateKey(key.Curve, rand.Reader)
		if err != nil {
			return err
		}
		der, err := x509.MarshalECPrivateKey(made)
		d.chip.Keys[s], pub = chipKey{der, o}, made.Public()
		return err
	})
	return pub, err
}

func (d *device) Attest(s yubikey.Slot) (pair attestation.Pair, err error) {
	err = d.chip.exchange("attest "+string(s), func() error {
		pair, err = d.chip.attest(s)
		return err
	})
	return pair, err
}

// DeviceCertificate is read without a key.
func (d *device) DeviceCertificate() (*x509.Certificate, error) {
	return x509.ParseCertificate(d.chip.F9)
}

// attest writes what a YubiKey of firmware 5.7.4 writes.
func (c *chip) attest(s yubikey.Slot) (attestation.Pair, error) {
	if _, ok := c.Keys[s]; !ok {
		return attestation.Pair{}, yubikey.ErrSlotEmpty
	}
	key, errK := c.private(s)
	f9Key, errF := x509.ParseECPrivateKey(c.F9Key)
	f9, errC := x509.ParseCertificate(c.F9)
	serial, errS := asn1.Marshal(int64(c.Serial))
	for _, err := range []error{errK, errF, errC, errS} {
		if err != nil {
			return attestation.Pair{}, err
		}
	}
	policy := []byte{map[string]byte{"never": 1, "once": 2, "always": 3}[c.Keys[s].Options.PIN], map[string]byte{"never": 1, "always": 2, "cached": 3}[c.Keys[s].Options.Touch]}
	t := authority("YubiKey PIV Attestation " + string(s))
	t.IsCA, t.BasicConstraintsValid = false, false
	for n, value := range map[int][]byte{3: {5, 7, 4}, 7: serial, 8: policy, 9: {3}} {
		t.ExtraExtensions = append(t.ExtraExtensions, pkix.Extension{Id: []int{1, 3, 6, 1, 4, 1, 41482, 3, n}, Value: value})
	}
	der, err := x509.CreateCertificate(rand.Reader, t, f9, key.Public(), f9Key)
	if err != nil {
		return attestation.Pair{}, err
	}
	slot, err := x509.ParseCertificate(der)
	return attestation.Pair{Slot: slot, Device: f9}, err
}

func (d *device) Signer(s yubikey.Slot, expected crypto.PublicKey) (signer crypto.Signer, err error) {
	err = d.chip.exchange("signer "+string(s), func() error {
		if _, ok := d.chip.Keys[s]; !ok {
			return yubikey.ErrSlotEmpty
		}
		key, err := d.chip.private(s)
		if err != nil {
			return err
		}
		if !key.PublicKey.Equal(expected) {
			return fault.New(fault.Device, "", yubikey.ErrOtherKey)
		}
		signer = &chipSigner{d, s, key}
		return nil
	})
	return signer, err
}

type chipSigner struct {
	device *device
	slot   yubikey.Slot
	key    *ecdsa.PrivateKey
}

func (s *chipSigner) Public() crypto.PublicKey { return s.key.Public() }

func (s *chipSigner) Sign(_ io.Reader, digest []byte, o crypto.SignerOpts) (sig []byte, err error) {
	if err := s.device.askPIN(); err != nil {
		return nil, err
	}
	chip := s.device.chip
	err = chip.exchange("sign "+string(s.slot), func() error {
		chip.Signed[fmt.Sprintf("%s %s", s.slot, hex.EncodeToString(digest))]++
		sig, err = s.key.Sign(rand.Reader, digest, o)
		return err
	})
	return sig, err
}

func (d *device) Install(s yubikey.Slot, c *x509.Certificate) error {
	if err := d.askPIN(); err != nil {
		return err
	}
	return d.chip.exchange("install "+string(s), func() error {
		d.chip.Certs[s] = c.Raw
		return nil
	})
}

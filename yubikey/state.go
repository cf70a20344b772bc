package yubikey

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

// State is what a token in use said of one slot, and a signature that proves
// that it holds the key. It takes the token's place where the token is not.
type State struct {
	Serial     uint32    `json:"serial"`
	Firmware   string    `json:"firmware"`
	Slot       string    `json:"slot"`
	Origin     string    `json:"origin"` // generated, imported, unknown
	PIN        string    `json:"pin_policy"`
	Touch      string    `json:"touch_policy"`
	PublicKey  string    `json:"public_key"`  // SubjectPublicKeyInfo, base64
	SPKISHA256 string    `json:"spki_sha256"` // hex
	Time       time.Time `json:"time"`
	Signature  []byte    `json:"signature"` // over Text, with SHA-384 for P-384 and SHA-256 for P-256
}

// NewState returns the state of a slot, without its signature.
func NewState(id Identity, info SlotInfo, key crypto.PublicKey, now time.Time) (*State, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, fmt.Errorf("slot %s: %w", info.Slot, err)
	}
	return &State{
		Serial: id.Serial, Firmware: id.Firmware.String(), Slot: string(info.Slot), Origin: cmp.Or(info.Origin, OriginUnknown),
		PIN: info.PINPolicy, Touch: info.TouchPolicy, Time: now.UTC().Truncate(time.Second),
		PublicKey: base64.StdEncoding.EncodeToString(der), SPKISHA256: digest.Hex(der),
	}, nil
}

// Text is what the token signs: it names the token, and can be no certificate.
func (s *State) Text() []byte {
	return fmt.Appendf(nil, "trustroot token adopt: token %d, firmware %s, slot %s, %s, PIN %s, touch %s, key %s, at %s",
		s.Serial, s.Firmware, s.Slot, s.Origin, s.PIN, s.Touch, s.SPKISHA256, s.Time.Format(time.RFC3339))
}

// Verify holds the signature against the text and the key.
func (s *State) Verify() error {
	der, err := base64.StdEncoding.DecodeString(s.PublicKey)
	if err != nil {
		return fmt.Errorf("state of token %d: its public key is not base64", s.Serial)
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	key, ok := parsed.(*ecdsa.PublicKey)
	if err != nil || !ok || digest.Hex(der) != s.SPKISHA256 {
		return fmt.Errorf("state of token %d: its public key is not ECDSA, or not the one of its digest", s.Serial)
	}
	short := sha256.Sum256(s.Text())
	text := short[:]
	if key.Curve == elliptic.P384() {
		long := sha512.Sum384(s.Text())
		text = long[:]
	}
	if !ecdsa.VerifyASN1(key, text, s.Signature) {
		return errors.New("state of token " + fmt.Sprint(s.Serial) + ": the signature is not of its key over what it says: run trustroot token adopt again")
	}
	return nil
}

// Exceptions are those that a plan which keeps the key as its root must name.
func (s *State) Exceptions() []string {
	var out []string
	if v, err := attestation.ParseVersion(s.Firmware); err != nil || v.Less(soundFirmware) {
		out = append(out, "old-firmware")
	}
	if s.Origin != Generated {
		out = append(out, "imported-root")
	}
	return out
}

// Describe is the state in a line.
func (s *State) Describe() string {
	return fmt.Sprintf("token %d (firmware %s) holds the key %s in slot %s: %s, PIN %s, touch %s", s.Serial, s.Firmware, s.SPKISHA256, s.Slot, s.Origin, s.PIN, s.Touch)
}

//go:build cgo

package yubikey

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-piv/piv-go/v2/piv"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// pivSlot returns piv-go's name of a slot.
func (s Slot) pivSlot() (piv.Slot, error) {
	if err := s.check(); err != nil {
		return piv.Slot{}, err
	}
	switch s {
	case "9a":
		return piv.SlotAuthentication, nil
	case "9c":
		return piv.SlotSignature, nil
	case "9d":
		return piv.SlotKeyManagement, nil
	case "9e":
		return piv.SlotCardAuthentication, nil
	}
	key, err := strconv.ParseUint(string(s), 16, 8)
	if err != nil {
		return piv.Slot{}, err
	}
	slot, _ := piv.RetiredKeyManagementSlot(uint32(key))
	return slot, nil
}

// slotOf is piv-go's name of a slot, once the token is known to be open.
func slotOf(t *Token, s Slot) (piv.Slot, error) {
	slot, err := s.pivSlot()
	if err == nil {
		err = t.open()
	}
	return slot, err
}

var algorithms = map[string]piv.Algorithm{"P-256": piv.AlgorithmEC256, "P-384": piv.AlgorithmEC384}

var pinPolicies = map[string]piv.PINPolicy{"never": piv.PINPolicyNever, "once": piv.PINPolicyOnce, "always": piv.PINPolicyAlways}

var touchPolicies = map[string]piv.TouchPolicy{
	"never": piv.TouchPolicyNever, "always": piv.TouchPolicyAlways, "cached": piv.TouchPolicyCached,
}

var pinNames = map[piv.PINPolicy]string{
	piv.PINPolicyNever: "never", piv.PINPolicyOnce: "once", piv.PINPolicyAlways: "always",
	piv.PINPolicyMatchOnce: "match-once", piv.PINPolicyMatchAlways: "match-always",
}

var touchNames = map[piv.TouchPolicy]string{
	piv.TouchPolicyNever: "never", piv.TouchPolicyAlways: "always", piv.TouchPolicyCached: "cached",
}

var originNames = map[piv.Origin]string{piv.OriginGenerated: Generated, piv.OriginImported: Imported}

func (o KeyOptions) piv() (piv.Key, error) {
	k := piv.Key{Algorithm: algorithms[o.Algorithm], PINPolicy: pinPolicies[o.PIN], TouchPolicy: touchPolicies[o.Touch]}
	var problems []error
	if k.Algorithm == 0 {
		problems = append(problems, fmt.Errorf("algorithm %q is neither P-256 nor P-384", o.Algorithm))
	}
	if k.PINPolicy == 0 {
		problems = append(problems, fmt.Errorf("PIN policy %q is not never, once or always", o.PIN))
	}
	if k.TouchPolicy == 0 {
		problems = append(problems, fmt.Errorf("touch policy %q is not never, always or cached", o.Touch))
	}
	if err := errors.Join(problems...); err != nil {
		return piv.Key{}, fault.New(fault.Usage, "nothing was changed on the token; correct the key's options", err)
	}
	return k, nil
}

// algorithmName names a public key as SlotInfo does.
func algorithmName(pub crypto.PublicKey) string {
	switch k := pub.(type) {
	case *ecdsa.PublicKey:
		return k.Curve.Params().Name
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA-%d", k.N.BitLen())
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", pub), "*")
}

// Certificate reads the certificate stored for a slot.
func (t *Token) Certificate(s Slot) (*x509.Certificate, error) {
	slot, err := slotOf(t, s)
	if err != nil {
		return nil, err
	}
	c, err := t.yk.Certificate(slot)
	if errors.Is(err, piv.ErrNotFound) {
		return nil, fault.New(fault.Device, "", fmt.Errorf("read the certificate of slot %s: %w", s, ErrNoCertificate))
	}
	return c, explain(fmt.Sprintf("read the certificate of slot %s", s), err)
}

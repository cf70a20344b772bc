//go:build cgo

package yubikey

import (
	"crypto"
	"crypto/x509"
	"errors"
	"time"

	"github.com/go-piv/piv-go/v2/piv"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// answerTime is how long a card may take for one call: twice the fifteen
// seconds that it waits for a touch.
var answerTime = 30 * time.Second

// ErrSilent is a card that does not come to an end with its answer.
var ErrSilent = errors.New("the token does not answer")

// session is piv-go's connection with a bound on every call. PC/SC cannot call
// a command off: a call that takes too long is left behind, and with it the
// connection.
type session struct {
	yk     *piv.YubiKey
	silent bool
}

// within runs f for at most answerTime.
func within[T any](f func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	done := make(chan answer, 1)
	go func() {
		value, err := f()
		done <- answer{value, err}
	}()
	timer := time.NewTimer(answerTime)
	defer timer.Stop()
	select {
	case a := <-done:
		return a.value, a.err
	case <-timer.C:
		return *new(T), fault.New(fault.Device, "pull the token out, and use another reader or token: what was asked cannot be called off, and may still happen", ErrSilent)
	}
}

// call is within for a session, which is of no use after a silence.
func call[T any](s *session, f func() (T, error)) (T, error) {
	if s.silent {
		return *new(T), ErrSilent
	}
	value, err := within(f)
	s.silent = errors.Is(err, ErrSilent)
	return value, err
}

func (s *session) do(f func() error) error {
	_, err := call(s, func() (struct{}, error) { return struct{}{}, f() })
	return err
}

// openSession connects to a reader and learns the firmware and serial number.
func openSession(reader string) (*session, piv.Version, uint32, error) {
	type opened struct {
		yk     *piv.YubiKey
		serial uint32
	}
	o, err := within(func() (opened, error) {
		yk, err := piv.Open(reader)
		if err != nil {
			return opened{}, explain("open "+reader, err)
		}
		serial, err := yk.Serial()
		if err != nil {
			return opened{}, errors.Join(explain("read the serial number of "+reader, err), yk.Close())
		}
		return opened{yk, serial}, nil
	})
	if err != nil {
		return nil, piv.Version{}, 0, explain("open "+reader, err)
	}
	return &session{yk: o.yk}, o.yk.Version(), o.serial, nil
}

// Close lets go of the connection, unless a call still holds it.
func (s *session) Close() error {
	if s.silent {
		return nil
	}
	return s.do(s.yk.Close)
}

func (s *session) Retries() (int, error) { return call(s, s.yk.Retries) }

func (s *session) FormFactor() (piv.Formfactor, error) { return call(s, s.yk.FormFactor) }

func (s *session) AttestationCertificate() (*x509.Certificate, error) {
	return call(s, s.yk.AttestationCertificate)
}

func (s *session) Attest(slot piv.Slot) (*x509.Certificate, error) {
	return call(s, func() (*x509.Certificate, error) { return s.yk.Attest(slot) })
}

func (s *session) KeyInfo(slot piv.Slot) (piv.KeyInfo, error) {
	return call(s, func() (piv.KeyInfo, error) { return s.yk.KeyInfo(slot) })
}

func (s *session) Certificate(slot piv.Slot) (*x509.Certificate, error) {
	return call(s, func() (*x509.Certificate, error) { return s.yk.Certificate(slot) })
}

func (s *session) Metadata(pin string) (*piv.Metadata, error) {
	return call(s, func() (*piv.Metadata, error) { return s.yk.Metadata(pin) })
}

func (s *session) GenerateKey(key []byte, slot piv.Slot, o piv.Key) (crypto.PublicKey, error) {
	return call(s, func() (crypto.PublicKey, error) { return s.yk.GenerateKey(key, slot, o) })
}

func (s *session) PrivateKey(slot piv.Slot, public crypto.PublicKey, auth piv.KeyAuth) (crypto.PrivateKey, error) {
	return call(s, func() (crypto.PrivateKey, error) { return s.yk.PrivateKey(slot, public, auth) })
}

func (s *session) SetPrivateKeyInsecure(key []byte, slot piv.Slot, private crypto.PrivateKey, o piv.Key) error {
	return s.do(func() error { return s.yk.SetPrivateKeyInsecure(key, slot, private, o) })
}

func (s *session) SetCertificate(key []byte, slot piv.Slot, c *x509.Certificate) error {
	return s.do(func() error { return s.yk.SetCertificate(key, slot, c) })
}

func (s *session) SetMetadata(key []byte, m *piv.Metadata) error {
	return s.do(func() error { return s.yk.SetMetadata(key, m) })
}

func (s *session) SetManagementKey(old, fresh []byte) error {
	return s.do(func() error { return s.yk.SetManagementKey(old, fresh) })
}

func (s *session) SetRetries(key []byte, pin string, pins, puks int) error {
	return s.do(func() error { return s.yk.SetRetries(key, pin, pins, puks) })
}

func (s *session) VerifyPIN(pin string) error {
	return s.do(func() error { return s.yk.VerifyPIN(pin) })
}

func (s *session) SetPIN(old, fresh string) error {
	return s.do(func() error { return s.yk.SetPIN(old, fresh) })
}

func (s *session) SetPUK(old, fresh string) error {
	return s.do(func() error { return s.yk.SetPUK(old, fresh) })
}

func (s *session) Unblock(puk, pin string) error {
	return s.do(func() error { return s.yk.Unblock(puk, pin) })
}

func (s *session) Reset() error { return s.do(s.yk.Reset) }

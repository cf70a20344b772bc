//go:build cgo

package yubikey

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/needs"
	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

// socketLink is where libpcsclite, which reads the name of its socket once in
// the life of a process, finds the daemon of the test that runs.
var socketLink string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "yubikey-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	socketLink = filepath.Join(dir, "socket")
	if err := os.Setenv("PCSCLITE_CSOCK_NAME", socketLink); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// Credentials of the tests.
const (
	testPIN = "384756"
	testPUK = "91827364"
)

// fake is a virtual token in a reader of a real pcscd, with the instructions
// that it was sent.
type fake struct {
	*virtual.Card
	readers *virtual.Readers
	mu      sync.Mutex
	sent    []byte
}

// plug puts new tokens, as they are sold, into readers: one for each firmware,
// with the serial numbers 1001, 1002 and so on.
func plug(t *testing.T, firmware ...[3]byte) []*fake {
	t.Helper()
	needs.That(t, virtual.Missing())
	var fakes []*fake
	var cards []*virtual.Card
	for i, v := range firmware {
		f := &fake{}
		var err error
		f.Card, err = virtual.New(virtual.Options{Serial: uint32(1001 + i), Firmware: v, OnExchange: f.exchange})
		if err != nil {
			t.Fatal(err)
		}
		fakes, cards = append(fakes, f), append(cards, f.Card)
	}
	readers, err := virtual.Start(context.Background(), t.TempDir(), cards...)
	if err != nil {
		t.Fatalf("%v\n%s", err, fault.Hint(err))
	}
	t.Cleanup(func() {
		if err := readers.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, f := range fakes {
		f.readers = readers
	}
	mustDo(t, os.RemoveAll(socketLink))
	mustDo(t, os.Symlink(readers.Socket(), socketLink))
	return fakes
}

// plugOne is plug for a single token with current firmware.
func plugOne(t *testing.T) *fake {
	t.Helper()
	return plug(t, virtual.Firmware574)[0]
}

func (f *fake) exchange(_ int, ins byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent = append(f.sent, ins)
}

// since returns the instructions that were sent since the last call, in hex.
func (f *fake) since() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := fmt.Sprintf("% x", f.sent)
	f.sent = nil
	return s
}

// asker is a person with prepared answers.
type asker struct {
	pins    []string // answers in order; the last one stays
	asked   []int    // tries left at each question
	said    []string
	touches []bool
	onTouch func()
}

func (a *asker) PIN(_ Identity, retries int) ([]byte, error) {
	a.asked = append(a.asked, retries)
	if len(a.pins) == 0 {
		return nil, errors.New("nobody at the terminal")
	}
	pin := a.pins[0]
	if len(a.pins) > 1 {
		a.pins = a.pins[1:]
	}
	return []byte(pin), nil
}

func (a *asker) Notice(text string) { a.said = append(a.said, text) }

func (a *asker) Touch(_ Identity, _ Slot, waiting bool) {
	a.touches = append(a.touches, waiting)
	if waiting && a.onTouch != nil {
		a.onTouch()
	}
}

// confirmer is an asker who is asked before the last try.
type confirmer struct {
	*asker
	what []string
	err  error
}

func (c *confirmer) ConfirmLastTry(_ Identity, what string) error {
	c.what = append(c.what, what)
	return c.err
}

func right() *asker { return &asker{pins: []string{testPIN}} }

func (f *fake) open(t *testing.T, p Prompter) *Token {
	t.Helper()
	token, err := Open(t.Context(), f.Serial(), p)
	mustDo(t, err)
	t.Cleanup(func() {
		if err := token.Close(); err != nil {
			t.Error(err)
		}
	})
	return token
}

func options() ProvisionOptions {
	return ProvisionOptions{PIN: []byte(testPIN), PUK: []byte(testPUK)}
}

// provision brings a new token to ready.
func (f *fake) provision(t *testing.T) {
	t.Helper()
	token := f.open(t, nil)
	mustDo(t, token.Provision(options()))
	mustDo(t, token.Close())
	f.since()
}

// withKey provisions a new token and makes a key on it.
func (f *fake) withKey(t *testing.T, s Slot, o KeyOptions) {
	t.Helper()
	f.provision(t)
	token := f.open(t, right())
	_, err := token.Generate(s, o)
	mustDo(t, err)
	mustDo(t, token.Close())
	f.since()
}

// reinsert puts a token that a fault pulled out into its reader again. Where
// piv-go was opening it the daemon is started anew, because piv-go then holds
// on to the reader for as long as the process lives.
func (f *fake) reinsert(t *testing.T, opening bool) {
	t.Helper()
	f.SetFaults()
	if opening {
		mustDo(t, f.readers.Restart(t.Context()))
		return
	}
	mustDo(t, f.readers.Insert(f.Card))
}

func mustDo(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v (hint: %s)", err, fault.Hint(err))
	}
}

// refused checks an error's kind and words, that it has a hint, and its exit
// code.
func refused(t *testing.T, err, kind error, words ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("got %v, expected %v", err, kind)
		return
	}
	if fault.Hint(err) == "" || fault.ExitCode(err) != int(fault.Device) {
		t.Errorf("%v: hint %q, exit code %d", err, fault.Hint(err), fault.ExitCode(err))
	}
	contains(t, err, words...)
}

// wrong checks for a PIN or PUK that was refused with so many tries left.
func wrong(t *testing.T, err error, what string, left int) {
	t.Helper()
	var auth *AuthError
	if !errors.As(err, &auth) || auth.What != what || auth.Retries != left {
		t.Errorf("got %v, expected a refused %s with %d tries left", err, what, left)
		return
	}
	if fault.Hint(err) == "" || fault.ExitCode(err) != int(fault.Device) {
		t.Errorf("%v: hint %q, exit code %d", err, fault.Hint(err), fault.ExitCode(err))
	}
}

var rootKey = KeyOptions{Algorithm: "P-384", PIN: "always", Touch: "always"}

var recordKey = KeyOptions{Algorithm: "P-256", PIN: "once", Touch: "never"}

var judged = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

//go:build cgo

package yubikey

import (
	"crypto"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/needs"
	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

// writes are the instructions whose effect remains when only their answer is
// lost: VERIFY, CHANGE REFERENCE, GENERATE, AUTHENTICATE, PUT DATA, SET
// RETRIES, SET MANAGEMENT KEY, IMPORT.
var writes = []string{"20", "24", "47", "87", "db", "fa", "fe", "ff"}

// pulled runs job once to the end to see its exchanges, and then once for each
// of them with the token pulled out at it: before the command, and for those
// that write also between the command and its answer. before brings the token
// into the state in which job begins, and after looks at what is left.
func pulled(t *testing.T, f *fake, before func(), job func() error, after func(n int)) {
	t.Helper()
	before()
	f.since()
	mustDo(t, job())
	sent := strings.Fields(f.since())
	if len(sent) < 6 {
		t.Fatalf("the job sends %v", sent)
	}
	t.Logf("%d exchanges; with -short one in six of those that only read", len(sent))
	for i, ins := range sent {
		kinds := []virtual.FaultKind{virtual.FaultRemoved}
		if slices.Contains(writes, ins) {
			kinds = append(kinds, virtual.FaultAnswerLost)
		}
		if testing.Short() && len(kinds) == 1 && i > 5 && i%6 != 0 {
			continue // most of these are the same question about another slot
		}
		for _, kind := range kinds {
			before()
			f.SetFaults(virtual.Fault{At: f.Exchanges() + i + 1, Kind: kind})
			err := job()
			if !errors.Is(err, ErrRemoved) || fault.Hint(err) == "" || fault.ExitCode(err) != int(fault.Device) {
				t.Errorf("exchange %d (%s): got %v (hint: %s)", i+1, ins, err, fault.Hint(err))
			}
			for _, secret := range []string{testPIN, testPUK, defaultPIN, defaultPUK} {
				if err != nil && strings.Contains(err.Error()+fault.Hint(err), secret) {
					t.Errorf("exchange %d (%s): the error holds a PIN or PUK", i+1, ins)
				}
			}
			f.reinsert(t, ins == "a4" || ins == "fd")
			f.oneTryAtMost(t, i+1)
			after(i + 1)
		}
	}
}

// oneTryAtMost checks that no tries but the one in flight were lost.
func (f *fake) oneTryAtMost(t *testing.T, n int) {
	t.Helper()
	err := withRaw(f.readers.Name(f.Card), func(r *raw) error {
		for _, ref := range []byte{refPIN, refPUK} {
			c, err := r.credential(ref)
			if err != nil {
				return err
			}
			if c.left < c.total-1 {
				t.Errorf("exchange %d: %d of %d tries left for %x", n, c.left, c.total, ref)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("exchange %d: %v", n, err)
	}
}

// once opens the token, does one thing and closes it.
func (f *fake) once(t *testing.T, do func(*Token) error) error {
	t.Helper()
	token, err := Open(t.Context(), f.Serial(), right())
	if err != nil {
		return err
	}
	err = do(token)
	if problem := token.Close(); err == nil {
		err = problem
	}
	return err
}

func TestPulled_Provision(t *testing.T) {
	needs.Time(t)
	f := plugOne(t)
	provision := func() error {
		return f.once(t, func(token *Token) error { return token.Provision(options()) })
	}
	reset := func() { mustDo(t, f.once(t, (*Token).Reset)) }
	pulled(t, f, reset, provision, func(n int) {
		mustDo(t, provision())
		token := f.open(t, right())
		info, err := token.Info()
		mustDo(t, err)
		if len(info.Warnings) != 0 || info.PINRetries != defaultRetries || info.PUKRetries != defaultRetries {
			t.Errorf("exchange %d: the second run left %+v", n, info)
		}
		mustDo(t, token.Unblock([]byte(testPUK), []byte(testPIN)))
		_, err = managementKey(token, "test")
		mustDo(t, err)
		mustDo(t, token.Close())
	})
}

func TestPulled_Generate(t *testing.T) {
	needs.Time(t)
	f := plugOne(t)
	begin := func() {
		mustDo(t, f.once(t, func(token *Token) error {
			return errors.Join(token.Reset(), token.Provision(options()))
		}))
	}
	generate := func() error {
		return f.once(t, func(token *Token) error {
			_, err := token.Generate("9c", rootKey)
			return err
		})
	}
	pulled(t, f, begin, generate, func(n int) {
		mustDo(t, f.once(t, func(token *Token) error {
			info, err := token.Slot("9c")
			if err != nil {
				return err
			}
			pub := info.PublicKey
			if info.Empty {
				if pub, err = token.Generate("9c", rootKey); err != nil {
					return err
				}
			} else if _, err := token.Generate("9c", rootKey); !errors.Is(err, ErrSlotInUse) {
				t.Errorf("exchange %d: a second key: %v", n, err)
			}
			signs(t, token, "9c", pub)
			return nil
		}))
	})
}

func TestPulled_Sign(t *testing.T) {
	needs.Time(t)
	f := plugOne(t)
	f.withKey(t, "9c", rootKey)
	pub := f.public(t, "9c")
	sign := func() error {
		return f.once(t, func(token *Token) error {
			signer, err := token.Signer("9c", pub)
			if err != nil {
				return err
			}
			return signTwice(signer)
		})
	}
	pulled(t, f, func() {}, sign, func(int) { mustDo(t, sign()) })
}

func signTwice(signer crypto.Signer) error {
	if err := signOnce(signer); err != nil {
		return err
	}
	return signOnce(signer)
}

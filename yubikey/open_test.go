//go:build cgo

package yubikey

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

func TestOpen_WrongSerialIsAskedNothingElse(t *testing.T) {
	f := plug(t, virtual.Firmware574, virtual.Firmware574)
	_, err := Open(t.Context(), 4242, right())
	refused(t, err, ErrNotFound, "4242", "1001", "1002")
	for _, one := range f {
		// the first three are those of virtual.Start, if any
		if sent := one.since(); !strings.HasSuffix(sent, "a4 fd f8") || strings.Contains(sent, "20") {
			t.Errorf("%d was sent %s", one.Serial(), sent)
		}
	}
	token := f[1].open(t, nil)
	if token.Identity().Serial != 1002 {
		t.Errorf("opened %s", token.Identity())
	}
	f[0].since()
	f[1].since()
	if _, err := token.Slot("9c"); err != nil {
		t.Error(err)
	}
	if sent := f[0].since(); sent != "" {
		t.Errorf("the other token was sent %s", sent)
	}
}

func TestOpen_NoSerial(t *testing.T) {
	_, err := Open(t.Context(), 0, nil)
	if fault.ExitCode(err) != int(fault.Usage) || !strings.Contains(fault.Hint(err), "--serial") {
		t.Errorf("got %v, hint %q", err, fault.Hint(err))
	}
}

func TestOpen_HeldByAnother(t *testing.T) {
	f := plugOne(t)
	f.open(t, nil)
	_, err := Open(t.Context(), f.Serial(), nil)
	refused(t, err, ErrBusy, "another process holds")
	if !errors.Is(err, ErrNotFound) || !strings.Contains(fault.Hint(err), "scdaemon") {
		t.Errorf("got %v, hint %q", err, fault.Hint(err))
	}
	infos, err := List(t.Context())
	mustDo(t, err)
	if len(infos) != 1 || !errors.Is(infos[0].Problem, ErrBusy) || infos[0].Identity.Reader == "" {
		t.Errorf("got %+v", infos)
	}
}

func TestOpen_NothingPluggedIn(t *testing.T) {
	f := plugOne(t)
	mustDo(t, f.readers.Remove(f.Card))
	_, err := Open(t.Context(), f.Serial(), nil)
	refused(t, err, ErrNotFound, "no token with serial number 1001 is plugged in")
	infos, err := List(t.Context())
	if err != nil || len(infos) != 0 {
		t.Errorf("got %v, %v", infos, err)
	}
}

func TestOpen_NoDaemon(t *testing.T) {
	mustDo(t, os.RemoveAll(socketLink))
	_, err := Open(t.Context(), 1001, nil)
	refused(t, err, ErrNoService)
	if !strings.Contains(fault.Hint(err), "pcscd") {
		t.Errorf("hint %q", fault.Hint(err))
	}
	_, err = List(t.Context())
	refused(t, err, ErrNoService)
}

func TestOpen_PulledOutWhileOpen(t *testing.T) {
	f := plugOne(t)
	token := f.open(t, nil)
	mustDo(t, f.readers.Remove(f.Card))
	_, err := token.Slot("9c")
	refused(t, err, ErrRemoved)
	_, err = token.Retries()
	refused(t, err, ErrRemoved)
}

func TestToken_Closed(t *testing.T) {
	f := plugOne(t)
	token := f.open(t, right())
	mustDo(t, token.Close())
	mustDo(t, token.Close())
	_, slot := token.Slot("9c")
	_, certificate := token.Certificate("9c")
	_, generate := token.Generate("9c", rootKey)
	_, attest := token.Attest("9c")
	_, signer := token.Signer("9c", nil)
	_, info := token.Info()
	_, retries := token.Retries()
	for i, err := range []error{
		slot, certificate, generate, attest, signer, info, retries, token.Provision(options()), token.Reset(),
		token.Unblock([]byte(testPUK), []byte(testPIN)), token.ChangePIN([]byte("572910"), []byte(testPIN)),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%d: got %v", i, err)
		}
	}
}

func TestReopen_GoesOnWhenTheTokenIsBack(t *testing.T) {
	f := plugOne(t)
	f.withKey(t, "9c", rootKey)
	pub := f.public(t, "9c")
	token := f.open(t, right())
	f.SetFaults(virtual.Fault{At: f.Exchanges() + 1, Kind: virtual.FaultRemoved})
	_, err := token.Slot("9c")
	refused(t, err, ErrRemoved)
	mustDo(t, token.Close())
	f.SetFaults()
	inserted := make(chan error, 1)
	go func() {
		time.Sleep(500 * time.Millisecond)
		inserted <- f.readers.Insert(f.Card)
	}()
	again, err := Reopen(t.Context(), f.Serial(), right())
	mustDo(t, err)
	mustDo(t, <-inserted)
	signs(t, again, "9c", pub)
	mustDo(t, again.Close())
}

func TestReopen_EndsWithTheContext(t *testing.T) {
	plugOne(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := Reopen(ctx, 77, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

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
	"github.com/linnemanlabs/trustroot/internal/needs"
	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

// hurry shortens the time that a card may take.
func hurry(t *testing.T) {
	t.Helper()
	old := answerTime
	answerTime = 2 * time.Second
	t.Cleanup(func() { answerTime = old })
}

// TestSession_AnAnswerWithoutEnd has a token that says "more follows" for
// ever, at each exchange of reading it.
func TestSession_AnAnswerWithoutEnd(t *testing.T) {
	hurry(t)
	for _, at := range []int{1, 3, 6, 9, 15} {
		f := plug(t, [3]byte{5, 7, 4})[0]
		f.SetFaults(virtual.Fault{At: f.Exchanges() + at, Kind: virtual.FaultEndless})
		begun := time.Now()
		token, err := Open(t.Context(), 1001, nil)
		if err == nil {
			_, err = token.Info()
			err = errors.Join(err, token.Close())
		}
		if !errors.Is(err, ErrSilent) || fault.ExitCode(err) != int(fault.Device) || !strings.Contains(fault.Hint(err), "token") {
			t.Errorf("exchange %d: %v (hint: %s)", at, err, fault.Hint(err))
		}
		if took := time.Since(begun); took > 15*time.Second {
			t.Errorf("exchange %d: it took %s", at, took)
		}
	}
}

func TestSession_NoAnswer(t *testing.T) {
	hurry(t)
	f := plug(t, [3]byte{5, 7, 4})[0]
	f.SetFaults(virtual.Fault{At: f.Exchanges() + 5, Kind: virtual.FaultLatency, Delay: 5 * time.Second})
	token, err := Open(t.Context(), 1001, nil)
	mustDo(t, err)
	if _, err := token.Info(); !errors.Is(err, ErrSilent) {
		t.Errorf("got %v", err)
	}
	mustDo(t, token.Close())
}

func TestOpen_TwoTokensWithOneSerial(t *testing.T) {
	needs.That(t, virtual.Missing())
	var cards []*virtual.Card
	for _, serial := range []uint32{1001, 1002} {
		card, err := virtual.New(virtual.Options{Serial: serial, Claim: 1001})
		mustDo(t, err)
		cards = append(cards, card)
	}
	readers, err := virtual.Start(context.Background(), t.TempDir(), cards...)
	mustDo(t, err)
	t.Cleanup(func() { mustDo(t, readers.Close()) })
	mustDo(t, os.RemoveAll(socketLink))
	mustDo(t, os.Symlink(readers.Socket(), socketLink))
	_, err = Open(t.Context(), 1001, nil)
	if err == nil || !strings.Contains(err.Error(), "two tokens say that their serial number is 1001") || fault.ExitCode(err) != int(fault.Device) {
		t.Errorf("got %v", err)
	}
}

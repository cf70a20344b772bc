package virtual

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// touchCard has a key that wants a touch in slot 9e.
func touchCard(t *testing.T, policy touchPolicy, o Options) *Card {
	t.Helper()
	c := fresh(t, o)
	generateKey(t, c, slotCard, algP384, pinNever, policy)
	return c
}

func TestTouch_DelayedAndTooLate(t *testing.T) {
	var waits atomic.Int32
	c := touchCard(t, touchAlways, Options{OnTouch: func(waiting bool) {
		if waiting {
			waits.Add(1)
		}
	}})
	signWith(t, c, swOK, slotCard, algP384)
	if waits.Load() != 0 {
		t.Error("an immediate touch was waited for")
	}
	c.SetTouch(Touch{Mode: TouchDelayed, Delay: 20 * time.Millisecond})
	start := time.Now()
	signWith(t, c, swOK, slotCard, algP384)
	if took := time.Since(start); took < 20*time.Millisecond {
		t.Errorf("a touch after 20 ms came after %s", took)
	}
	c.SetTouch(Touch{Mode: TouchDelayed, Delay: time.Hour, Timeout: 20 * time.Millisecond})
	signWith(t, c, swSecurityStatus, slotCard, algP384)
	if waits.Load() != 2 {
		t.Errorf("%d waits, want 2", waits.Load())
	}
}

func TestTouch_AbsentUntilPressed(t *testing.T) {
	var c *Card
	var told []bool
	press := false
	c = touchCard(t, touchAlways, Options{OnTouch: func(waiting bool) {
		told = append(told, waiting)
		if waiting && press {
			c.Press()
			c.Press() // once more is not kept for the next time
		}
	}})
	c.SetTouch(Touch{Mode: TouchAbsent, Timeout: 20 * time.Millisecond})
	c.Press() // nobody waits: lost
	signWith(t, c, swSecurityStatus, slotCard, algP384)
	press = true
	c.SetTouch(Touch{Mode: TouchAbsent})
	signWith(t, c, swOK, slotCard, algP384)
	press = false
	c.SetTouch(Touch{Mode: TouchAbsent, Timeout: 20 * time.Millisecond})
	signWith(t, c, swSecurityStatus, slotCard, algP384)
	if want := []bool{true, false, true, false, true, false}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
}

func TestTouch_Refused(t *testing.T) {
	c := touchCard(t, touchAlways, Options{})
	c.SetTouch(Touch{Mode: TouchRefused})
	signWith(t, c, swSecurityStatus, slotCard, algP384)
	c.SetTouch(Touch{})
	signWith(t, c, swOK, slotCard, algP384)
}

func TestTouch_Cached(t *testing.T) {
	c := touchCard(t, touchCached, Options{})
	signWith(t, c, swOK, slotCard, algP384)
	c.SetTouch(Touch{Mode: TouchRefused})
	signWith(t, c, swOK, slotCard, algP384)
	c.session.touched = time.Now().Add(-touchTime)
	signWith(t, c, swSecurityStatus, slotCard, algP384)
}

func TestTouch_NotAskedWithoutThePIN(t *testing.T) {
	c := fresh(t, Options{OnTouch: func(bool) { t.Error("asked for a touch") }})
	generateKey(t, c, slotSignature, algP384, pinAlways, touchAlways)
	c.SetTouch(Touch{Mode: TouchAbsent})
	signWith(t, c, swSecurityStatus, slotSignature, algP384)
}

func TestTouch_OneVerifyOneAttempt(t *testing.T) {
	c := fresh(t, Options{})
	generateKey(t, c, slotSignature, algP384, pinAlways, touchAlways)
	verifyPIN(t, c, swOK, "123456")
	c.SetTouch(Touch{Mode: TouchRefused})
	signWith(t, c, swSecurityStatus, slotSignature, algP384)
	c.SetTouch(Touch{})
	signWith(t, c, swSecurityStatus, slotSignature, algP384)
	verifyPIN(t, c, swOK, "123456")
	signWith(t, c, swOK, slotSignature, algP384)
}

func TestTouch_PulledWhileWaiting(t *testing.T) {
	began := make(chan bool, 2)
	c := touchCard(t, touchAlways, Options{OnTouch: func(w bool) { began <- w }})
	c.SetTouch(Touch{Mode: TouchAbsent})
	done := make(chan []byte)
	go func() {
		done <- c.Transmit(append([]byte{0, insAuthenticate, byte(algP384), slotCard, 7},
			wrap(0x7C, wrap(0x82), wrap(0x81, []byte{1}))...))
	}()
	<-began
	pull(c)
	if answer := <-done; answer != nil {
		t.Errorf("a pulled card answered %x", answer)
	}
}

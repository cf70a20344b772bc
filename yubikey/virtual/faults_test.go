package virtual

import (
	"bytes"
	"testing"
	"time"
)

func TestFaults_StatusAndLatency(t *testing.T) {
	c := fresh(t, Options{})
	c.SetFaults(
		Fault{At: c.Exchanges() + 1, Kind: FaultStatus, Status: 0x6F00},
		Fault{At: c.Exchanges() + 2, Kind: FaultLatency, Delay: 20 * time.Millisecond},
	)
	verifyPIN(t, c, 0x6F00, "123456")
	start := time.Now()
	send(t, c, triesLeft(3), "00200080") // nothing was verified
	if took := time.Since(start); took < 20*time.Millisecond {
		t.Errorf("answered after %s", took)
	}
	verifyPIN(t, c, swOK, "123456")
}

func TestFaults_FromOptionsOnce(t *testing.T) {
	c := fresh(t, Options{Faults: []Fault{{At: 2, Kind: FaultStatus, Status: 0x6581}}})
	send(t, c, 0x6581, "00FD000000")
	send(t, c, swOK, "00FD000000")
}

// The two ways to lose power in GENERATE: before it, and after it was saved.
func TestFaults_PowerCut(t *testing.T) {
	for kind, kept := range map[FaultKind]bool{FaultRemoved: false, FaultReaderGone: false, FaultAnswerLost: true} {
		path := t.TempDir() + "/card"
		c := fresh(t, Options{StateFile: path})
		owner(t, c)
		n := c.Exchanges()
		c.SetFaults(Fault{At: n + 1, Kind: kind})
		if answer := c.Transmit(unhex(t, "0047009C05AC03800114")); answer != nil {
			t.Errorf("kind %d: answer %x", kind, answer)
		}
		if answer := c.Transmit(unhex(t, "00FD000000")); answer != nil || c.Exchanges() != n+1 {
			t.Errorf("kind %d: a card without a reader answers %x", kind, answer)
		}
		again, err := New(Options{StateFile: path})
		if err != nil {
			t.Fatal(err)
		}
		if got := again.state.Keys[slotSignature] != nil; got != kept {
			t.Errorf("kind %d: key kept: %v, want %v", kind, got, kept)
		}
		insert(c, nil)
		send(t, c, swUnknownINS, "00FD000000") // no power, nothing selected
		selectPIV(t, c)
		send(t, c, swSecurityStatus, "0047009C05AC03800114")
	}
}

func TestFaults_LatencyEndsWithRemoval(t *testing.T) {
	c := fresh(t, Options{})
	c.SetFaults(Fault{At: c.Exchanges() + 1, Kind: FaultLatency, Delay: time.Hour})
	done := make(chan []byte)
	go func() { done <- c.Transmit(unhex(t, "00FD000000")) }()
	pull(c)
	if answer := <-done; answer != nil {
		t.Errorf("answer %x", answer)
	}
}

func TestOnExchange_CountsFromOne(t *testing.T) {
	var seen []byte
	next := 1
	c := fresh(t, Options{OnExchange: func(n int, ins byte) {
		if n != next {
			t.Errorf("exchange %d, want %d", n, next)
		}
		next++
		seen = append(seen, ins)
	}})
	send(t, c, swOK, "00FD000000")
	c.Transmit(nil)
	if want := []byte{insSelect, insVersion, 0}; !bytes.Equal(seen, want) || c.Exchanges() != 3 {
		t.Errorf("instructions %x of %d exchanges", seen, c.Exchanges())
	}
}

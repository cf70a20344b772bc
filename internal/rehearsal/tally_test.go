package rehearsal

import (
	"context"
	"io"
	"strings"
	"testing"
)

// signed is a line of a card's log: a signature with a P-384 key.
const signed = "7\t00 87 14 9C\tlc=52\tsw=9000\t1ms\n"

// tries is one that asks for the tries of the PIN.
const tries = "6\t00 20 00 80\tlc=0\tsw=63c5\t1ms\n"

// opened is a command for which a PIN is typed and a token signs.
func opened(t *testing.T, r *Rehearsal, serial uint32, pins, touches, signatures int) {
	t.Helper()
	done := r.tally.command([]string{"--json", "tuf", "sign", "staged"})
	for range pins {
		if _, err := r.tally.meter(serial).Write([]byte(tries)); err != nil {
			t.Fatal(err)
		}
	}
	m := r.tally.meter(serial)
	for range touches {
		m.touch(true)
		m.touch(false)
	}
	for range signatures {
		if _, err := m.Write([]byte(signed)); err != nil {
			t.Fatal(err)
		}
	}
	done()
}

func TestCount_EveryTokenOnceADay(t *testing.T) {
	var said strings.Builder
	r := &Rehearsal{Options: Options{Progress: &said}}
	r.tally.begin("first day")
	opened(t, r, 1, 1, 2, 2)
	opened(t, r, 2, 1, 1, 1)
	r.tally.begin("second day")
	opened(t, r, 2, 1, 3, 3)
	if err := count(context.Background(), r); err != nil {
		t.Error(err)
	}
	for _, want := range []string{
		"first day\n", "tuf sign        YubiKey 1  PIN asked once, 2 touches for 2 signatures\n",
		"in all          YubiKey 2  PIN asked once, 1 touch for 1 signature\n", "second day\n",
		"in all          YubiKey 2  PIN asked once, 3 touches for 3 signatures\n",
	} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, said.String())
		}
	}
}

func TestCount_Refuses(t *testing.T) {
	for want, day := range map[string]func(*Rehearsal){
		"a day: YubiKey 1: PIN asked twice, 2 touches for 2 signatures": func(r *Rehearsal) {
			r.tally.begin("a day")
			opened(t, r, 1, 1, 1, 1)
			opened(t, r, 1, 1, 1, 1)
		},
		"a day: YubiKey 1: PIN asked once, 2 touches for 1 signature": func(r *Rehearsal) {
			r.tally.begin("a day")
			opened(t, r, 1, 1, 2, 1)
		},
		"a day: no signature was counted": func(r *Rehearsal) { r.tally.begin("a day") },
		"asked YubiKey 1 before any day":  func(r *Rehearsal) { opened(t, r, 1, 1, 1, 1) },
	} {
		r := &Rehearsal{Options: Options{Progress: io.Discard}}
		day(r)
		if err := count(context.Background(), r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestMeter_CountsSignaturesAndPINs(t *testing.T) {
	m := &meter{}
	for _, text := range []string{
		signed,
		tries,
		"8\t10 87 14 9C\tlc=52\tsw=6982\t1ms\n", // no touch came
		"9\t00 87 0A 9B\tlc=22\tsw=9000\t1ms\n", // the management key
		"10\t00 20 00 80\tlc=8\tsw=9000\t1ms\n", // the PIN
		"card inserted\n",
	} {
		if n, err := m.Write([]byte(text)); err != nil || n != len(text) {
			t.Fatalf("%q: %d, %v", text, n, err)
		}
	}
	if m.count != (asked{pins: 1, signatures: 1}) {
		t.Errorf("counted %+v", m.count)
	}
}

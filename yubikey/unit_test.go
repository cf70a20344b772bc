package yubikey

import (
	"bytes"
	"strings"
	"testing"
)

func contains(t *testing.T, err error, words ...string) {
	t.Helper()
	for _, w := range words {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("%v lacks %q", err, w)
		}
	}
}

func TestCheckPIN_Accepts(t *testing.T) {
	for _, pin := range []string{"384756", "91827364", "aB3$xy", "121213"} {
		if err := CheckPIN([]byte(pin)); err != nil {
			t.Errorf("%q: %v", pin, err)
		}
	}
}

func TestCheckPIN_RefusesAndDoesNotTellThePIN(t *testing.T) {
	for pin, reason := range map[string]string{
		"":          "0 characters",
		"38475":     "5 characters",
		"384756918": "9 characters",
		"38 756":    "not printable",
		"38475\xff": "not printable",
		"123456":    "factory's",
		"12345678":  "factory's",
		"777777":    "repeats one",
		"345678":    "neighbouring",
		"987654":    "neighbouring",
		"abcdef":    "neighbouring",
		"474747":    "short pattern",
		"47147147":  "short pattern",
	} {
		err := CheckPIN([]byte(pin))
		contains(t, err, reason)
		if err != nil && len(pin) > 4 && strings.Contains(err.Error(), pin) {
			t.Errorf("%v tells the PIN", err)
		}
	}
}

func TestSlots_All(t *testing.T) {
	if all := slots; len(all) != 24 || all[1] != "9c" || all[4] != "82" || all[23] != "95" {
		t.Errorf("got %v", all)
	}
	for _, s := range slots {
		if err := s.check(); err != nil {
			t.Error(err)
		}
		if retired := s != "9a" && s != "9c" && s != "9d" && s != "9e"; s.Retired() != retired {
			t.Errorf("%s: retired is %v", s, s.Retired())
		}
	}
	for _, s := range []Slot{"", "f9", "9C", "9b", "81", "96", "0x9c"} {
		if s.check() == nil || s.Retired() {
			t.Errorf("%q is taken for a slot", s)
		}
	}
}

func TestProvisionOptions_NamesEveryProblem(t *testing.T) {
	o := ProvisionOptions{PIN: []byte("123456"), PUK: []byte("12"), PINRetries: 16}
	contains(t, o.check(), "new PIN", "new PUK", "16 and 0")
	o = ProvisionOptions{PIN: []byte(testPINOfUnit), PUK: []byte(testPINOfUnit)}
	contains(t, o.check(), "the same")
}

const testPINOfUnit = "384756"

func TestProvisionOptions_OldFirmwareForARoot(t *testing.T) {
	o := ProvisionOptions{PIN: []byte(testPINOfUnit), PUK: []byte("91827364"), ForRoot: true}
	contains(t, o.checkFirmware(Version{5, 6, 9}), "EUCLEAK", "5.6.9")
	if err := o.checkFirmware(Version{5, 7, 0}); err != nil {
		t.Error(err)
	}
	o.AllowOldFirmware = true
	if err := o.checkFirmware(Version{5, 4, 3}); err != nil {
		t.Error(err)
	}
}

func TestAuthError_Words(t *testing.T) {
	for retries, want := range map[int]string{0: "the PIN is blocked", 1: "wrong PIN, 1 try left", 4: "wrong PIN, 4 tries left"} {
		if got := (&AuthError{What: "PIN", Retries: retries}).Error(); got != want {
			t.Errorf("got %q", got)
		}
	}
}

func TestCHUID_Form(t *testing.T) {
	guid := random(16)
	if b := newCHUID(guid); len(b) != 59 || !bytes.Contains(b, guid) {
		t.Errorf("got %x", b)
	}
	if key, other := random(24), random(24); len(key) != 24 || bytes.Equal(key, other) {
		t.Errorf("two management keys are the same: %x", key)
	}
}

func TestParseCredential_RealAnswers(t *testing.T) {
	pin, err := parseCredential([]byte{0x01, 1, 0xff, 0x05, 1, 1, 0x06, 2, 3, 2})
	if err != nil || !pin.factory || pin.total != 3 || pin.left != 2 {
		t.Errorf("got %+v, %v", pin, err)
	}
	mgmt, err := parseCredential([]byte{0x01, 1, 0x0a, 0x02, 2, 0, 1, 0x05, 1, 0})
	if err != nil || mgmt.factory || mgmt.algorithm != 0x0a || mgmt.left != -1 {
		t.Errorf("got %+v, %v", mgmt, err)
	}
}

// FuzzParseCredential: no input makes it panic, and what is accepted says
// itself whether the credential is the factory's: nothing may be taken for a
// default by omission.
func FuzzParseCredential(f *testing.F) {
	f.Add([]byte{0x01, 1, 0xff, 0x05, 1, 1, 0x06, 2, 3, 2})
	f.Add([]byte{0x05, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := parseCredential(b)
		if err != nil {
			return
		}
		if c.factory && !bytes.Contains(b, []byte{0x05, 1, 1}) || !c.factory && !bytes.Contains(b, []byte{0x05, 1}) {
			t.Errorf("%x was read as %+v", b, c)
		}
		if c.left > 255 || c.total > 255 || c.left < -1 {
			t.Errorf("%x gave %+v", b, c)
		}
	})
}

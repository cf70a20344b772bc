package virtual

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

func TestState_SurvivesReload(t *testing.T) {
	path := filepath.Join(t.TempDir(), "card.json")
	c := fresh(t, Options{Serial: 44, Firmware: Firmware543, StateFile: path})
	send(t, c, swOK, "0024008010", padded("123456"), padded("831906"))
	verifyPIN(t, c, triesLeft(2), "000000")
	for i, a := range []algorithm{algP256, algP384, algRSA1024, algRSA2048} {
		generateKey(t, c, byte(slotFirstRetired+i), a, pinNever, touchCached)
	}
	commandData(t, c, swOK, "00DB3FFF", unhex(t, "5C035FC1025303010203"))
	commandData(t, c, swOK, "00FFFFFE", append([]byte{byte(algAES256), 0x9B, 32}, make([]byte, 32)...))
	first, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}

	again := fresh(t, Options{StateFile: path})
	if again.Serial() != 44 || again.Firmware() != Firmware543 {
		t.Fatalf("serial %d, firmware %v", again.Serial(), again.Firmware())
	}
	if !again.AttestationRoot().Equal(c.AttestationRoot()) {
		t.Error("another attestation root")
	}
	second, err := again.state.encode()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Error("what was loaded is not what was saved")
	}
	for _, slot := range []string{"82", "83", "84"} {
		if a, b := send(t, c, swOK, "00F700"+slot+"00"), send(t, again, swOK, "00F700"+slot+"00"); !bytes.Equal(a, b) {
			t.Errorf("slot %s: %x, then %x", slot, a, b)
		}
	}
	send(t, again, triesLeft(2), "00200080")
	verifyPIN(t, again, swOK, "831906")
}

func TestState_FileIsPrivateAndHidesThePIN(t *testing.T) {
	path := filepath.Join(t.TempDir(), "card.json")
	c := fresh(t, Options{StateFile: path})
	send(t, c, swOK, "0024008010", padded("123456"), padded("831906"))
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v: %v", info.Mode(), err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), "831906") || strings.Contains(string(data), "ODMxOTA2") {
		t.Error("the file holds the PIN")
	}
}

func TestState_SavedBeforeTheAnswer(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	c := fresh(t, Options{StateFile: filepath.Join(dir, "card.json"), Log: &log})
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	verifyPIN(t, c, swMemoryFailure, "000000")
	if !strings.Contains(log.String(), "error: save state:") {
		t.Errorf("log %q", log.String())
	}
	verifyPIN(t, c, swMemoryFailure, "123456") // resets the counter, which is a change
	verifyPIN(t, c, swOK, "123456")            // changes nothing
}

func TestState_RefusesAnotherToken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "card.json")
	fresh(t, Options{Serial: 44, StateFile: path})
	for _, o := range []Options{{Serial: 45}, {Firmware: Firmware543}} {
		o.StateFile = path
		if _, err := New(o); err == nil || fault.ExitCode(err) != int(fault.Usage) || fault.Hint(err) == "" {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{StateFile: path}); err == nil || !strings.Contains(fault.Hint(err), "chmod 600") {
		t.Errorf("a file that others may read: %v", err)
	}
	if _, err := New(Options{StateFile: filepath.Dir(path)}); err == nil {
		t.Error("a directory was taken for a state file")
	}
}

// with returns a state file in which one field has another value.
func with(t *testing.T, data []byte, field string, value any) []byte {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal(data, &fields); err != nil {
		t.Fatal(err)
	}
	fields[field] = value
	changed, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

func TestParseState_Refuses(t *testing.T) {
	type object = map[string]any
	c, other := fresh(t, Options{}), fresh(t, Options{}).state.attestation
	generateKey(t, c, slotSignature, algP256, pinAlways, touchAlways)
	data, err := c.state.encode()
	if err != nil {
		t.Fatal(err)
	}
	otherKey, err := x509.MarshalPKCS8PrivateKey(other.key)
	if err != nil {
		t.Fatal(err)
	}
	for field, value := range map[string]any{
		"format":                    2,
		"serial":                    0,
		"firmware":                  "5.7",
		"pin":                       object{"salt": "AAAA", "digest": "AAAA", "tries": 3, "left": 3},
		"puk":                       object{},
		"management":                object{"algorithm": 3, "key": "AAAA"},
		"keys":                      object{"f9": object{}, "9c": nil, "9a": object{"pkcs8": "AAAA"}},
		"objects":                   object{"zz": "AAAA"},
		"attestation_root":          "AAAA",
		"attestation_intermediates": []string{"AAAA"},
		"attestation_certificate":   other.device.Raw,
		"attestation_key":           otherKey,
		"unknown":                   1,
	} {
		if _, err := parseState(with(t, data, field, value)); err == nil {
			t.Errorf("%s %v: accepted", field, value)
		}
	}
	if _, err := parseState(with(t, data, "serial", 7)); err != nil {
		t.Errorf("a changed serial number alone: %v", err)
	}
}

// FuzzParseState: a file that is accepted describes a card that can be saved,
// and what is then saved is accepted and saved as the same bytes.
func FuzzParseState(f *testing.F) {
	c, err := New(Options{Serial: 9, Firmware: Firmware543})
	if err != nil {
		f.Fatal(err)
	}
	data, err := c.state.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parseState(data)
		if err != nil {
			return
		}
		first, err := s.encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseState(first)
		if err != nil {
			t.Fatal(err)
		}
		second, err := again.encode()
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("saved differently: %v", err)
		}
	})
}

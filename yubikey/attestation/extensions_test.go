package attestation

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"
)

func TestFormFactorName_Kinds(t *testing.T) {
	for b, want := range map[byte]string{
		0x00: "unknown", 0x01: "USB-A Keychain", 0x84: "USB-C Nano FIPS", 0x07: "USB-C Bio",
		0x33: "unknown (0x33)", 0x80: "unknown (0x80)",
	} {
		if got := FormFactorName(b); got != want {
			t.Errorf("0x%02x: got %q, expected %q", b, got, want)
		}
	}
}

func TestVersion_Order(t *testing.T) {
	if !(Version{5, 4, 3}).Less(Version{5, 7, 0}) || (Version{5, 7, 0}).Less(Version{5, 7, 0}) || (Version{6, 0, 0}).Less(Version{5, 9, 9}) {
		t.Error("versions are out of order")
	}
}

func TestParseVersion_Forms(t *testing.T) {
	for in, want := range map[string]Version{"5.7.4": {5, 7, 4}, "5.7": {5, 7, 0}} {
		if got, err := ParseVersion(in); err != nil || got != want {
			t.Errorf("%q: got %v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "5", "5.7.4.1", "5.256.0", "5.-1.0", "05.7.4", "+5.7", "v5.7.4"} {
		if v, err := ParseVersion(in); err == nil {
			t.Errorf("%q was read as %s", in, v)
		}
	}
}

// FuzzParse: whatever a certificate carries, parse does not panic, and what it
// accepts is complete and says exactly what the bytes say: a known slot, known
// policies, and values that encode back to the input.
func FuzzParse(f *testing.F) {
	f.Add("YubiKey PIV Attestation 9c", []byte{5, 7, 4}, []byte{2, 4, 1, 0x53, 0x6a, 0xb8}, []byte{3, 2}, []byte{3})
	f.Add("YubiKey PIV Attestation 95", []byte{4, 3, 7}, []byte{}, []byte{1, 1}, []byte{})
	f.Fuzz(func(t *testing.T, cn string, firmware, serial, policy, form []byte) {
		var extensions []pkix.Extension
		for _, e := range []pkix.Extension{
			{Id: oidFirmware, Value: firmware}, {Id: oidSerial, Value: serial},
			{Id: oidPolicy, Value: policy}, {Id: oidFormFactor, Value: form},
		} {
			if len(e.Value) > 0 {
				extensions = append(extensions, e)
			}
		}
		a, err := parse(cn, extensions)
		if err != nil {
			return
		}
		if slotPrefix+a.Slot != cn || !knownSlot(a.Slot) {
			t.Errorf("slot %q from %q", a.Slot, cn)
		}
		if !bytes.Equal(a.Firmware[:], firmware) {
			t.Errorf("firmware %s from %x", a.Firmware, firmware)
		}
		if pinPolicies[policy[0]] != a.PINPolicy || touchPolicies[policy[1]] != a.TouchPolicy || a.PINPolicy == "" || a.TouchPolicy == "" {
			t.Errorf("policies %q and %q from %x", a.PINPolicy, a.TouchPolicy, policy)
		}
		if len(serial) > 0 {
			if der, err := asn1.Marshal(int64(a.Serial)); err != nil || !bytes.Equal(der, serial) {
				t.Errorf("serial number %d from %x", a.Serial, serial)
			}
		} else if a.Serial != 0 {
			t.Errorf("serial number %d from nothing", a.Serial)
		}
	})
}

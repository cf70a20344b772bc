package attestation_test

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"time"

	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

// Whether a YubiKey made the key in slot 9a, and under which policies.
func ExampleVerify() {
	read := func(name string) *x509.Certificate {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			panic(err)
		}
		block, _ := pem.Decode(data)
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			panic(err)
		}
		return certificate
	}
	pair := attestation.Pair{Slot: read("slot-2020.pem"), Device: read("device-2020.pem")}
	made, err := attestation.Verify(pair, attestation.Yubico(), time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("slot", made.Slot, "firmware", made.Firmware, "PIN", made.PINPolicy, "touch", made.TouchPolicy)
	fmt.Println(made.Match(attestation.Expect{Slot: "9c", TouchPolicy: "always"}))
	// Output:
	// slot 9a firmware 5.4.3 PIN once touch never
	// match attestation: the key is in slot 9a, expected 9c
	// the touch policy is never, expected always
}

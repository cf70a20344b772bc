package virtual

import (
	"bytes"
	"encoding/hex"
	"testing"
)

func TestManagement_DefaultsByFirmware(t *testing.T) {
	prove(t, fresh(t, Options{Firmware: Firmware543}), swOK, alg3DES, defaultManagementKey)
	prove(t, fresh(t, Options{Firmware: Firmware574}), swOK, algAES192, defaultManagementKey)
	send(t, fresh(t, Options{Firmware: Firmware574}), swWrongP1P2, "0087039B047C028000")
}

func TestManagement_WrongKey(t *testing.T) {
	c := fresh(t, Options{})
	owner(t, c)
	prove(t, c, swSecurityStatus, algAES192, bytes.Repeat([]byte{9}, 24))
	send(t, c, swSecurityStatus, "00DB3FFF075C035FC1025300") // what was proved before is not any more
	commandData(t, c, swSecurityStatus, "00870A9B",
		wrap(0x7C, wrap(0x80, make([]byte, 16)), wrap(0x81, make([]byte, 16)))) // nothing offered
	for _, template := range []string{"7C00", "7C028100FF", "7C0480028101"} {
		commandData(t, c, swWrongData, "00870A9B", unhex(t, template))
	}
}

func TestManagement_CallerAlone(t *testing.T) {
	c := fresh(t, Options{})
	template, err := unwrap(0x7C, commandData(t, c, swOK, "00870A9B", unhex(t, "7C028100")))
	if err != nil {
		t.Fatal(err)
	}
	block, err := c.state.Management.block()
	if err != nil {
		t.Fatal(err)
	}
	response := make([]byte, 16)
	block.Encrypt(response, template.get(0x81))
	commandData(t, c, swOK, "00870A9B", wrap(0x7C, wrap(0x82, response)))
	send(t, c, swOK, "00DB3FFF075C035FC1025300")
	commandData(t, c, swSecurityStatus, "00870A9B", wrap(0x7C, wrap(0x82, response))) // used up
}

func TestSetManagementKey_Algorithms(t *testing.T) {
	for _, a := range []algorithm{alg3DES, algAES128, algAES192, algAES256} {
		c := fresh(t, Options{})
		key := bytes.Repeat([]byte{1, 2}, a.managementKeySize()/2)
		data := append([]byte{byte(a), referenceManagement, byte(len(key))}, key...)
		commandData(t, c, swSecurityStatus, "00FFFFFF", data)
		owner(t, c)
		commandData(t, c, swWrongP1P2, "00FFFF00", data)
		commandData(t, c, swOK, "00FFFFFF", data)
		selectPIV(t, c)
		prove(t, c, swOK, a, key)
		metadata, err := parseTLVs(send(t, c, swOK, "00F7009B00"))
		if err != nil || !bytes.Equal(metadata.get(1), []byte{byte(a)}) || !bytes.Equal(metadata.get(5), []byte{0}) {
			t.Errorf("algorithm %02x: metadata %v: %v", byte(a), metadata, err)
		}
	}
}

func TestSetManagementKey_Refuses(t *testing.T) {
	c := fresh(t, Options{})
	owner(t, c)
	for name, data := range map[string]string{
		"too short":         "0A9B10" + hex.EncodeToString(make([]byte, 16)),
		"other reference":   "0A9A18" + hex.EncodeToString(make([]byte, 24)),
		"length that lies":  "0A9B18" + hex.EncodeToString(make([]byte, 20)),
		"no such algorithm": "119B18" + hex.EncodeToString(make([]byte, 24)),
		"nothing":           "",
	} {
		t.Run(name, func(t *testing.T) { commandData(t, c, swWrongData, "00FFFFFF", unhex(t, data)) })
	}
	old := fresh(t, Options{Firmware: [3]byte{5, 3, 0}})
	owner(t, old)
	commandData(t, old, swWrongData, "00FFFFFF", append([]byte{byte(algAES192), 0x9B, 24}, make([]byte, 24)...))
	prove(t, c, swOK, algAES192, defaultManagementKey)
}

func TestSetManagementKey_Touch(t *testing.T) {
	c := fresh(t, Options{})
	owner(t, c)
	data := append([]byte{byte(algAES192), referenceManagement, 24}, defaultManagementKey...)
	commandData(t, c, swOK, "00FFFFFE", data)
	c.SetTouch(Touch{Mode: TouchRefused})
	prove(t, c, swSecurityStatus, algAES192, defaultManagementKey)
	c.SetTouch(Touch{})
	owner(t, c)
	want := unhex(t, "01010A 02020002 050101")
	if got := send(t, c, swOK, "00F7009B00"); !bytes.Equal(got, want) {
		t.Errorf("metadata %x, want %x", got, want)
	}
}

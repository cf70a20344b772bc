package virtual

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"math/big"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/testpki"
)

func TestGenerate_EveryAlgorithm(t *testing.T) {
	c := fresh(t, Options{})
	verifyPIN(t, c, swOK, "123456")
	for a, curve := range map[algorithm]elliptic.Curve{algP256: elliptic.P256(), algP384: elliptic.P384()} {
		public := generateKey(t, c, slotAuthentication, a, pinOnce, touchNever)
		key, err := ecdsa.ParseUncompressedPublicKey(curve, public.get(0x86))
		if err != nil {
			t.Fatal(err)
		}
		digest := make([]byte, 48)[:curve.Params().BitSize/8]
		answer := commandData(t, c, swOK, "0087"+hex.EncodeToString([]byte{byte(a), slotAuthentication}),
			wrap(0x7C, wrap(0x82), wrap(0x81, digest)))
		template, err := unwrap(0x7C, answer)
		if err != nil || !ecdsa.VerifyASN1(key, digest, template.get(0x82)) {
			t.Errorf("algorithm %02x: signature does not verify: %v", byte(a), err)
		}
	}
	public := generateKey(t, c, slotAuthentication, algEd25519, pinOnce, touchNever)
	if !ed25519.Verify(public.get(0x86), make([]byte, 48), signWith(t, c, swOK, slotAuthentication, algEd25519)) {
		t.Error("the Ed25519 signature does not verify")
	}
	for _, a := range []algorithm{algRSA1024, algRSA2048} {
		public = generateKey(t, c, slotAuthentication, a, pinOnce, touchNever)
		rsaKey := rsa.PublicKey{N: new(big.Int).SetBytes(public.get(0x81)), E: int(new(big.Int).SetBytes(public.get(0x82)).Int64())}
		block := make([]byte, a.rsaBits()/8)
		block[1], block[len(block)-1] = 1, 7
		answer := commandData(t, c, swOK, "0087"+hex.EncodeToString([]byte{byte(a)})+"9A", wrap(0x7C, wrap(0x82), wrap(0x81, block)))
		template, err := unwrap(0x7C, answer)
		if err != nil {
			t.Fatal(err)
		}
		opened := new(big.Int).Exp(new(big.Int).SetBytes(template.get(0x82)), big.NewInt(int64(rsaKey.E)), rsaKey.N)
		if !bytes.Equal(opened.FillBytes(make([]byte, len(block))), block) {
			t.Errorf("algorithm %02x: the operation does not invert", byte(a))
		}
	}
}

// Firmware 5.8 does what 5.7 does.
func TestFirmware58(t *testing.T) {
	c := fresh(t, Options{Firmware: [3]byte{5, 8, 0}})
	for _, a := range []algorithm{algEd25519, algX25519, algP384} {
		generateKey(t, c, slotAuthentication, a, pinOnce, touchNever)
	}
	if got := send(t, c, swOK, "00FD000000"); !bytes.Equal(got, []byte{5, 8, 0}) || len(c.AttestationIntermediates()) != 2 {
		t.Errorf("version %x under %d intermediates", got, len(c.AttestationIntermediates()))
	}
}

func TestGenerate_Refuses(t *testing.T) {
	c := fresh(t, Options{})
	send(t, c, swSecurityStatus, "0047009C05AC03800114")
	owner(t, c)
	for name, apdu := range map[string]string{
		"slot f9":               "004700F905AC03800114",
		"no slot":               "0047009905AC03800114",
		"no algorithm":          "0047009C02AC00",
		"unknown algorithm":     "0047009C05AC03800104",
		"unknown PIN policy":    "0047009C08AC06800114AA0104",
		"unknown touch policy":  "0047009C08AC06800114AB0104",
		"two bytes of a policy": "0047009C09AC07800114AA020101",
		"other template":        "0047009C05AB03800114",
	} {
		t.Run(name, func(t *testing.T) { send(t, c, swWrongData, apdu) })
	}
	send(t, c, swWrongP1P2, "0047019C05AC03800114")
}

func TestGenerate_DefaultPolicies(t *testing.T) {
	c := fresh(t, Options{})
	owner(t, c)
	for slot, want := range map[string]string{"9A": "0201", "9C": "0301", "9D": "0201", "9E": "0101", "82": "0201", "95": "0201"} {
		send(t, c, swOK, "004700"+slot+"0BAC09800111AA0100AB0100")
		metadata, err := parseTLVs(send(t, c, swOK, "00F700"+slot+"00"))
		if err != nil || hex.EncodeToString(metadata.get(2)) != want {
			t.Errorf("slot %s: policies %x, want %s: %v", slot, metadata.get(2), want, err)
		}
	}
}

func TestPINPolicy_NeverOnceAlways(t *testing.T) {
	c := fresh(t, Options{})
	generateKey(t, c, slotAuthentication, algP384, pinOnce, touchNever)
	generateKey(t, c, slotSignature, algP384, pinAlways, touchNever)
	generateKey(t, c, slotCard, algP384, pinNever, touchNever)
	selectPIV(t, c)
	signWith(t, c, swOK, slotCard, algP384)
	signWith(t, c, swSecurityStatus, slotAuthentication, algP384)
	signWith(t, c, swSecurityStatus, slotSignature, algP384)
	verifyPIN(t, c, swOK, "123456")
	signWith(t, c, swOK, slotSignature, algP384)
	signWith(t, c, swSecurityStatus, slotSignature, algP384)
	signWith(t, c, swOK, slotAuthentication, algP384)
	signWith(t, c, swOK, slotAuthentication, algP384)
	verifyPIN(t, c, swOK, "123456")
	send(t, c, swOK, "00F99C0000") // any other command in between
	signWith(t, c, swSecurityStatus, slotSignature, algP384)
	verifyPIN(t, c, swOK, "123456")
	signWith(t, c, swOK, slotSignature, algP384)
	verifyPIN(t, c, triesLeft(2), "000000")
	signWith(t, c, swSecurityStatus, slotAuthentication, algP384)
}

func TestAuthenticate_Refuses(t *testing.T) {
	c := fresh(t, Options{})
	generateKey(t, c, slotCard, algP256, pinNever, touchNever)
	signWith(t, c, swWrongData, slotCard, algP384)           // other algorithm
	signWith(t, c, swWrongData, slotCard, algP256)           // digest too long
	signWith(t, c, swWrongData, slotAuthentication, algP256) // empty slot
	send(t, c, swWrongData, "0087119E047C028200")            // nothing to sign
	send(t, c, swWrongData, "0087119E028200")                // no template
	commandData(t, c, swWrongData, "0087119E", wrap(0x7C, wrap(0x82), wrap(0x85, make([]byte, 65))))
}

func TestKeyAgreement_Curves(t *testing.T) {
	c := fresh(t, Options{})
	for a, curve := range map[algorithm]ecdh.Curve{algP256: ecdh.P256(), algP384: ecdh.P384(), algX25519: ecdh.X25519()} {
		public := generateKey(t, c, slotCard, a, pinNever, touchNever)
		card, err := curve.NewPublicKey(public.get(0x86))
		if err != nil {
			t.Fatal(err)
		}
		peer, err := curve.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		want, err := peer.ECDH(card)
		if err != nil {
			t.Fatal(err)
		}
		answer := commandData(t, c, swOK, "0087"+hex.EncodeToString([]byte{byte(a), slotCard}),
			wrap(0x7C, wrap(0x82), wrap(0x85, peer.PublicKey().Bytes())))
		if !bytes.Equal(answer, wrap(0x7C, wrap(0x82, want))) {
			t.Errorf("algorithm %02x: other secret", byte(a))
		}
	}
}

func TestImport_SignsAndHasNoAttestation(t *testing.T) {
	c := fresh(t, Options{})
	key := testpki.Key(t, elliptic.P384())
	scalar, err := key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	data := join(wrap(0x06, scalar), unhex(t, "AA0101AB0101"))
	commandData(t, c, swSecurityStatus, "00FE149C", data)
	owner(t, c)
	commandData(t, c, swOK, "00FE149C", data)
	signature := signWith(t, c, swOK, slotSignature, algP384)
	if !ecdsa.VerifyASN1(&key.PublicKey, make([]byte, 48), signature) {
		t.Error("the signature is not of the imported key")
	}
	metadata, err := parseTLVs(send(t, c, swOK, "00F7009C00"))
	if err != nil || !bytes.Equal(metadata.get(3), []byte{byte(imported)}) {
		t.Errorf("origin %x: %v", metadata.get(3), err)
	}
	send(t, c, swWrongData, "00F99C0000")
}

func TestImport_OtherAlgorithms(t *testing.T) {
	c := fresh(t, Options{})
	owner(t, c)
	seed := bytes.Repeat([]byte{7}, 32)
	commandData(t, c, swOK, "00FEE09E", wrap(0x07, seed))
	commandData(t, c, swOK, "00FEE19D", wrap(0x08, seed))
	key := testpki.RSA(t)
	commandData(t, c, swOK, "00FE079A", join(
		wrap(1, key.Primes[0].Bytes()), wrap(2, key.Primes[1].Bytes()), wrap(3, key.Precomputed.Dp.Bytes()),
		wrap(4, key.Precomputed.Dq.Bytes()), wrap(5, key.Precomputed.Qinv.Bytes())))
	metadata, err := parseTLVs(send(t, c, swOK, "00F7009A00"))
	if err != nil {
		t.Fatal(err)
	}
	if want := join(wrap(0x81, key.N.Bytes()), unhex(t, "8203010001")); !bytes.Equal(metadata.get(4), want) {
		t.Errorf("public key %x", metadata.get(4))
	}
}

func TestImport_Refuses(t *testing.T) {
	c := fresh(t, Options{})
	owner(t, c)
	commandData(t, c, swWrongData, "00FE149C", wrap(0x06, make([]byte, 48)))                       // zero
	commandData(t, c, swWrongData, "00FE149C", wrap(0x06, bytes.Repeat([]byte{0xff}, 48)))         // beyond the order
	commandData(t, c, swWrongData, "00FE149C", wrap(0x06, bytes.Repeat([]byte{1}, 32)))            // of P-256
	commandData(t, c, swWrongData, "00FE149C", wrap(0x05, bytes.Repeat([]byte{1}, 48)))            // other tag
	commandData(t, c, swWrongData, "00FE149C", []byte{0x06, 0x30})                                 // cut
	commandData(t, c, swWrongData, "00FE079A", join(wrap(1, []byte{0xff, 3}), wrap(2, []byte{5}))) // tiny
	commandData(t, c, swWrongData, "00FE079A", nil)                                                // nothing
	commandData(t, c, swWrongData, "00FEE09A", wrap(0x07, make([]byte, 31)))                       // short seed
	commandData(t, c, swWrongP1P2, "00FE14F9", wrap(0x06, bytes.Repeat([]byte{1}, 48)))            // slot f9
	commandData(t, c, swWrongP1P2, "00FE049C", wrap(0x01, bytes.Repeat([]byte{1}, 64)))            // no algorithm
	commandData(t, c, swWrongData, "00FE149C", join(wrap(0x06, []byte{1}), unhex(t, "AB0109")))    // policy
	send(t, c, swReferenceNotFound, "00F7009C00")
}

func TestMoveKey_MovesAndDeletes(t *testing.T) {
	c := fresh(t, Options{})
	send(t, c, swSecurityStatus, "00F6829C")
	public := generateKey(t, c, slotSignature, algP256, pinNever, touchNever)
	send(t, c, swReferenceNotFound, "00F6829A")
	send(t, c, swWrongP1P2, "00F69C9C")
	send(t, c, swWrongP1P2, "00F6F99C")
	send(t, c, swWrongP1P2, "00F682F9")
	send(t, c, swOK, "00F6829C")
	send(t, c, swReferenceNotFound, "00F7009C00")
	metadata, err := parseTLVs(send(t, c, swOK, "00F7008200"))
	if err != nil || !bytes.Equal(metadata.get(4), wrap(0x86, public.get(0x86))) {
		t.Errorf("the moved key: %x: %v", metadata.get(4), err)
	}
	send(t, c, swOK, "00F9820000")
	generateKey(t, c, slotSignature, algP256, pinNever, touchNever)
	send(t, c, swWrongData, "00F6829C") // not over another key
	send(t, c, swOK, "00F6FF82")
	send(t, c, swReferenceNotFound, "00F7008200")
	send(t, c, swReferenceNotFound, "00F6FF82")
}

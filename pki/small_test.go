package pki_test

import (
	"bytes"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki"
)

func TestNewSerial_RangeAndEntropy(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		serial, err := pki.NewSerial(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if err := pki.CheckSerial(serial); err != nil {
			t.Fatal(err)
		}
		if len(pki.SerialHex(serial)) != 40 || seen[pki.SerialHex(serial)] {
			t.Fatalf("serial %s", pki.SerialHex(serial))
		}
		seen[pki.SerialHex(serial)] = true
	}
	// all ones and all zeros of the source stay in range
	for _, octet := range []byte{0x00, 0xff} {
		serial, err := pki.NewSerial(bytes.NewReader(bytes.Repeat([]byte{octet}, 20)))
		if err != nil {
			t.Fatal(err)
		}
		if err := pki.CheckSerial(serial); err != nil {
			t.Error(err)
		}
	}
}

func TestNewSerial_AFailingSourceIsAnError(t *testing.T) {
	broken := errors.New("no entropy")
	if _, err := pki.NewSerial(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if _, err := pki.NewSerial(bytes.NewReader(make([]byte, 19))); err == nil {
		t.Error("a short read was taken")
	}
}

func TestSerialHex_WholeOctets(t *testing.T) {
	if got := pki.SerialHex(big.NewInt(0xabc)); got != "0abc" {
		t.Errorf("got %s", got)
	}
}

func TestHexGroups_FourDigits(t *testing.T) {
	for digest, want := range map[string]string{"": "", "ab": "ab", "abcd": "abcd", "abcdef": "abcd ef", "0123456789abcdef": "0123 4567 89ab cdef"} {
		raw, err := hex.DecodeString(digest)
		if err != nil {
			t.Fatal(err)
		}
		if got := pki.HexGroups(raw); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestWords_PublishedExample(t *testing.T) {
	// the example with which the list is usually published
	raw, err := hex.DecodeString("e58294f2e9a227486e8b061b31cc528fd7fa3f19")
	if err != nil {
		t.Fatal(err)
	}
	want := "topmost Istanbul Pluto vagabond treadmill Pacific brackish dictator goldfish Medusa afflict bravado chatter revolver Dupont midsummer stopwatch whimsical cowbell bottomless"
	if got := pki.Words(raw); got != want {
		t.Errorf("got %q", got)
	}
}

func TestWords_TwoFullListsOfDifferentWords(t *testing.T) {
	seen := map[string]bool{}
	for octet := range 256 {
		for _, word := range strings.Fields(pki.Words([]byte{byte(octet), byte(octet)})) {
			if seen[strings.ToLower(word)] {
				t.Errorf("%q stands twice", word)
			}
			seen[strings.ToLower(word)] = true
		}
	}
	if len(seen) != 512 {
		t.Errorf("%d words, want 512", len(seen))
	}
}

func TestWords_ListIsThePublishedOne(t *testing.T) {
	all := make([]byte, 0, 512)
	for octet := range 256 {
		all = append(all, byte(octet), byte(octet))
	}
	sum := sha256.Sum256([]byte(strings.ToLower(pki.Words(all))))
	// of the list in magic-wormhole, another copy of the published one
	const want = "9693a08049c4c3c2d12ba922ee1ecd764060dfac52e6d2ec786b4ff07b388aa9"
	if got := hex.EncodeToString(sum[:]); got != want {
		t.Errorf("the word list has digest %s", got)
	}
}

func TestParseSubject_ReadsOnlyWhatDERWrites(t *testing.T) {
	for _, subject := range []pki.Subject{
		{Organization: "a", CommonName: "b", Encoding: "utf8"},
		{Organization: "Bücher", CommonName: "日本", Encoding: "utf8"},
		{Organization: "a", CommonName: "b", Encoding: "printable"},
	} {
		der, err := subject.DER()
		if err != nil {
			t.Fatal(err)
		}
		got, err := pki.ParseSubject(der)
		if err != nil || got != subject {
			t.Errorf("read %+v, %v, want %+v", got, err, subject)
		}
		if _, err := pki.ParseSubject(append(der, 0)); err == nil {
			t.Error("a trailing byte was accepted")
		}
	}
	// a name of another shape is kept byte for byte
	der, err := asn1.Marshal(pkix.Name{Country: []string{"NL"}, Organization: []string{"a"}, OrganizationalUnit: []string{"x", "y"}, CommonName: "b"}.ToRDNSequence())
	if err != nil {
		t.Fatal(err)
	}
	got, err := pki.ParseSubject(der)
	if err != nil || got.Raw == "" || got.Organization != "a" || got.CommonName != "b" {
		t.Fatalf("read %+v, %v", got, err)
	}
	if again, err := got.DER(); err != nil || !bytes.Equal(again, der) {
		t.Errorf("encodes to %x, %v, want %x", again, err, der)
	}
	got.CommonName = "c"
	if _, err := got.DER(); err == nil {
		t.Error("a common name that is not in the raw name was accepted")
	}
}

func TestParseCertificates_NeverSkipsADamagedBlock(t *testing.T) {
	root := issue(t, pki.ProfileRoot, "Root CA", nil, nil)
	fulcio := issue(t, pki.ProfileFulcioCA, "Fulcio CA", root, nil)
	data, err := pki.EncodeCertificates(fulcio.chain)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pki.ParseCertificates(append([]byte("the chain\n"), data...))
	if err != nil || len(got) != 2 || !got[0].Equal(fulcio.certificate) || !got[1].Equal(root.certificate) {
		t.Fatalf("read %d certificates, %v", len(got), err)
	}
	for name, damaged := range map[string][]byte{
		"nothing":             nil,
		"the first damaged":   bytes.Replace(data, []byte("-----END"), []byte("----END"), 1),
		"a letter turned":     bytes.Replace(data, []byte("MII"), []byte("M*I"), 1),
		"a key among them":    append(bytes.Clone(data), "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"...),
		"cut":                 data[:len(data)-30],
		"eleven certificates": bytes.Repeat(data[:bytes.LastIndex(data, []byte("-----BEGIN"))], 11),
		"too big":             append(bytes.Clone(data), make([]byte, 64<<10)...),
	} {
		if _, err := pki.ParseCertificates(damaged); err == nil {
			t.Errorf("%s was read", name)
		}
	}
	if _, err := pki.ParseCertificate(data); err == nil {
		t.Error("two certificates were read as one")
	}
}

func TestPublicKey_RoundTripAndRefusals(t *testing.T) {
	key := testpki.FixedKey(t, elliptic.P256(), "a")
	data, err := pki.EncodePublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	got, err := pki.ParsePublicKey(data)
	if err != nil || !got.Equal(key.Public()) {
		t.Errorf("read %v, %v", got, err)
	}
	if _, err := pki.ParsePublicKey(append(data, data...)); err == nil {
		t.Error("two keys were read as one")
	}
	if _, err := pki.EncodePublicKey(nil); err == nil {
		t.Error("no key was encoded")
	}
}

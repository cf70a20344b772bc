package pki

import (
	"crypto"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/decred/dcrwallet/pgpwordlist"
	"github.com/sigstore/sigstore/pkg/cryptoutils"

	"github.com/linnemanlabs/trustroot/internal/digest"
)

// SPKISHA256 is the SHA-256 of the DER SubjectPublicKeyInfo of pub, lower-case
// hex. It is the pin of a key, and the log ID of a checkpoint key.
func SPKISHA256(pub crypto.PublicKey) (string, error) {
	der, err := cryptoutils.MarshalPublicKeyToDER(pub)
	if err != nil {
		return "", fmt.Errorf("encode public key: %w", err)
	}
	return digest.Hex(der), nil
}

// HexGroups writes a digest as people read it aloud: groups of four lower-case
// hex digits with a space between.
func HexGroups(digest []byte) string {
	digits := hex.EncodeToString(digest)
	var b strings.Builder
	for i := 0; i < len(digits); i += 4 {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(digits[i:min(i+4, len(digits))])
	}
	return b.String()
}

// Words writes a digest in the words of the PGP word list, one word an octet:
// two syllables at even offsets, three at odd ones, so that a word that was
// dropped, doubled or swapped is heard.
func Words(digest []byte) string {
	words := make([]string, len(digest))
	for i, octet := range digest {
		words[i] = pgpwordlist.ByteToMnemonic(octet, i)
	}
	return strings.Join(words, " ")
}

package logkey

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/linnemanlabs/trustroot/pki"
)

// maxPublicKey bounds a file that holds one public key, in bytes.
const maxPublicKey = pki.MaxEvidence

// ParsePublicKey reads one public key of any type, at most 64 KiB: PEM, a
// key.json, or what `aws kms get-public-key` prints, a JSON object whose
// PublicKey is the base64 of a DER SubjectPublicKeyInfo.
func ParsePublicKey(data []byte) (crypto.PublicKey, error) {
	if len(data) > maxPublicKey {
		return nil, fmt.Errorf("public key: %d bytes are more than the %d that are read", len(data), maxPublicKey)
	}
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		return pki.ParseAnyPublicKey(data)
	}
	var answer struct {
		PublicKey []byte
	}
	if err := json.Unmarshal(data, &answer); err == nil && len(answer.PublicKey) > 0 {
		public, err := x509.ParsePKIXPublicKey(answer.PublicKey)
		if err != nil {
			return nil, fmt.Errorf("public key: field PublicKey: %w", err)
		}
		return public, nil
	}
	evidence, err := pki.ParseKeyEvidence(data)
	if err != nil {
		return nil, errors.Join(errors.New("public key: neither a key.json nor the answer of get-public-key"), err)
	}
	public, err := pki.ParseAnyPublicKey([]byte(evidence.PublicKey))
	if err != nil {
		return nil, err
	}
	if spki, err := pki.SPKISHA256(public); err != nil || spki != evidence.SPKISHA256 {
		return nil, errors.Join(errors.New("public key: spki_sha256 is not that of public_key"), err)
	}
	return public, nil
}

// PublicKeyDigest is the SPKI SHA-256 of a public key, hex.
func PublicKeyDigest(data []byte) (string, error) {
	public, err := ParsePublicKey(data)
	if err != nil {
		return "", err
	}
	return pki.SPKISHA256(public)
}

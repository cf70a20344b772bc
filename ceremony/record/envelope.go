package record

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/strict"
)

// Sign makes the envelope of a statement: one ECDSA signature over SHA-256 of
// its pre-authentication encoding (DSSE), its keyid the hex SHA-256 of the
// signer's SubjectPublicKeyInfo.
func Sign(ctx context.Context, statement []byte, signer crypto.Signer) ([]byte, error) {
	id, err := keyID(signer.Public())
	if err != nil {
		return nil, err
	}
	s, err := dsse.NewEnvelopeSigner(&ecdsaSigner{signer, id})
	if err != nil {
		return nil, err
	}
	envelope, err := s.SignPayload(ctx, PayloadType, statement)
	if err != nil {
		return nil, fmt.Errorf("sign the record's statement: %w", err)
	}
	return strict.Indented(envelope)
}

// CheckEnvelope proves that pub signed this very statement, in the one form
// that Sign writes.
func CheckEnvelope(ctx context.Context, data, statement []byte, pub crypto.PublicKey) error {
	var e dsse.Envelope
	if err := strict.JSON(data, &e); err != nil {
		return err
	}
	again, err := strict.Indented(e)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, data) || len(e.Signatures) != 1 || e.PayloadType != PayloadType {
		return errors.New("not an envelope in the form that is written here")
	}
	if err := canonicalBase64(e.Payload, e.Signatures[0].Sig); err != nil {
		return err
	}
	payload, err := e.DecodeB64Payload()
	if err != nil {
		return err
	}
	if !bytes.Equal(payload, statement) {
		return differs(payload, statement)
	}
	key, ok := pub.(*ecdsa.PublicKey)
	if !ok {
		return fmt.Errorf("the signer's key is a %T, not ECDSA", pub)
	}
	id, err := keyID(key)
	if err != nil {
		return err
	}
	if e.Signatures[0].KeyID != id {
		return fmt.Errorf("it names the key %s, the attested one is %s", e.Signatures[0].KeyID, id)
	}
	v, err := dsse.NewEnvelopeVerifier(&ecdsaVerifier{key, id})
	if err != nil {
		return err
	}
	if _, err := v.Verify(ctx, &e); err != nil {
		return fmt.Errorf("the signature does not verify: %w", err)
	}
	return nil
}

func keyID(pub crypto.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return "", fmt.Errorf("encode the signer's key: %w", err)
	}
	return digest.Hex(der), nil
}

type ecdsaSigner struct {
	crypto.Signer
	id string
}

func (s *ecdsaSigner) KeyID() (string, error) { return s.id, nil }

func (s *ecdsaSigner) Sign(_ context.Context, data []byte) ([]byte, error) {
	sum := sha256.Sum256(data)
	return s.Signer.Sign(rand.Reader, sum[:], crypto.SHA256)
}

type ecdsaVerifier struct {
	key *ecdsa.PublicKey
	id  string
}

func (v *ecdsaVerifier) KeyID() (string, error)   { return v.id, nil }
func (v *ecdsaVerifier) Public() crypto.PublicKey { return v.key }

func (v *ecdsaVerifier) Verify(_ context.Context, data, sig []byte) error {
	sum := sha256.Sum256(data)
	if !ecdsa.VerifyASN1(v.key, sum[:], sig) {
		return errors.New("not a signature of this key over this statement")
	}
	return nil
}

// canonicalBase64 refuses text that decodes like another: unused bits set,
// line breaks, the alphabet of URLs.
func canonicalBase64(texts ...string) error {
	for _, text := range texts {
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return fmt.Errorf("not base64: %w", err)
		}
		if base64.StdEncoding.EncodeToString(raw) != text {
			return errors.New("base64 that is not in its one form")
		}
	}
	return nil
}

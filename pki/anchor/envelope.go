package anchor

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/linnemanlabs/trustroot/internal/strict"
)

// Parts are those of an envelope that services are asked about.
type Parts struct {
	Statement []byte
	Signature []byte // DER
	Digest    []byte // SHA-256 of the pre-authentication encoding, which is what was signed
	SPKI      []byte // DER, of the signer's key
}

// envelope is a DSSE envelope with one signature, read.
type envelope struct {
	dsse.Envelope
	Parts
}

// readEnvelope takes an envelope apart. Whether the key signed it is for the
// caller to know, and for the log to have checked.
func readEnvelope(s Subject) (*envelope, error) {
	var e envelope
	if err := strict.JSON(s.Envelope, &e.Envelope); err != nil {
		return nil, fmt.Errorf("the envelope: %w", err)
	}
	if len(e.Signatures) != 1 {
		return nil, errors.New("the envelope: not one signature")
	}
	var errP, errS, errK error
	e.Statement, errP = base64.StdEncoding.DecodeString(e.Payload)
	e.Signature, errS = base64.StdEncoding.DecodeString(e.Signatures[0].Sig)
	e.SPKI, errK = x509.MarshalPKIXPublicKey(s.Key)
	if err := errors.Join(errP, errS, errK); err != nil {
		return nil, fmt.Errorf("the envelope: %w", err)
	}
	sum := sha256.Sum256(dsse.PAE(e.PayloadType, e.Statement))
	e.Digest = sum[:]
	return &e, nil
}

// Parts takes the envelope apart.
func (s Subject) Parts() (Parts, error) {
	e, err := readEnvelope(s)
	if err != nil {
		return Parts{}, err
	}
	return e.Parts, nil
}

// hashedRekord is the body of a Rekor v2 entry, its fields in the order of
// RFC 8785 (rekor-tiles, pkg/types/hashedrekord).
type hashedRekord struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Spec       struct {
		HashedRekord struct {
			Data struct {
				Algorithm string `json:"algorithm"`
				Digest    []byte `json:"digest"`
			} `json:"data"`
			Signature Signature `json:"signature"`
		} `json:"hashedRekordV002"`
	} `json:"spec"`
}

// Signature is a signature and its key as Rekor v2 reads and writes them.
type Signature struct {
	Content  []byte `json:"content"`
	Verifier struct {
		KeyDetails string `json:"keyDetails"`
		PublicKey  struct {
			RawBytes []byte `json:"rawBytes"`
		} `json:"publicKey"`
	} `json:"verifier"`
}

// RekorSignature is what Rekor v2 is given.
func (p Parts) RekorSignature() Signature {
	s := Signature{Content: p.Signature}
	s.Verifier.KeyDetails = "PKIX_ECDSA_P256_SHA_256"
	s.Verifier.PublicKey.RawBytes = p.SPKI
	return s
}

// Body is the body of the log's entry, which follows from the parts.
func (p Parts) Body() ([]byte, error) {
	h := hashedRekord{APIVersion: entryVersion, Kind: entryKind}
	h.Spec.HashedRekord.Data.Algorithm = "SHA2_256"
	h.Spec.HashedRekord.Data.Digest = p.Digest
	h.Spec.HashedRekord.Signature = p.RekorSignature()
	return json.Marshal(h)
}

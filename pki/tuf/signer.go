package tuf

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// signDocument signs a document with a P-256 key and returns the signature,
// which is appended to the document too. The error wraps the signer's own.
func signDocument(d *document, key crypto.Signer) (*metadata.Signature, error) {
	sig, err := signatureOf(d, key)
	if err != nil {
		return nil, fmt.Errorf("sign %s: %w", d.fileName(), err)
	}
	*d.signatures() = append(*d.signatures(), *sig)
	return sig, nil
}

func signatureOf(d *document, key crypto.Signer) (*metadata.Signature, error) {
	if key == nil {
		return nil, errors.New("no signer")
	}
	pub, err := CheckKey(key.Public())
	if err != nil {
		return nil, err
	}
	id, err := KeyID(pub)
	if err != nil {
		return nil, err
	}
	payload, err := d.canonical()
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(payload)
	sig, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	if !ecdsa.VerifyASN1(pub, digest[:], sig) {
		return nil, errors.New("the signer's answer is not a signature by its own key")
	}
	return &metadata.Signature{KeyID: id, Signature: sig}, nil
}

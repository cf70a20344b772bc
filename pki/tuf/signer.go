package tuf

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// rememberingSigner is a crypto.Signer as go-tuf wants it. go-tuf drops a
// signer's error, so it is kept here.
type rememberingSigner struct {
	key crypto.Signer
	err error
}

// SignMessage implements signature.Signer with ecdsa-sha2-nistp256.
func (r *rememberingSigner) SignMessage(message io.Reader, _ ...signature.SignOption) ([]byte, error) {
	payload, err := io.ReadAll(message)
	if err != nil {
		r.err = err
		return nil, err
	}
	digest := sha256.Sum256(payload)
	sig, err := r.key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		r.err = err
		return nil, err
	}
	pub, err := CheckKey(r.key.Public())
	if err == nil && !ecdsa.VerifyASN1(pub, digest[:], sig) {
		err = errors.New("the signer's answer is not a signature by its own key")
	}
	r.err = err
	return sig, err
}

// PublicKey implements signature.PublicKeyProvider.
func (r *rememberingSigner) PublicKey(_ ...signature.PublicKeyOption) (crypto.PublicKey, error) {
	return CheckKey(r.key.Public())
}

// signDocument signs a document with a P-256 key and returns the signature,
// which is appended to the document too. The error wraps the signer's own.
func signDocument(d *document, key crypto.Signer) (*metadata.Signature, error) {
	if key == nil {
		return nil, fmt.Errorf("sign %s: no signer", d.fileName())
	}
	if _, err := CheckKey(key.Public()); err != nil {
		return nil, fmt.Errorf("sign %s: %w", d.fileName(), err)
	}
	before := *d.signatures()
	s := &rememberingSigner{key: key}
	sig, err := d.sign(s)
	if err != nil {
		*d.signatures() = before
		if s.err != nil {
			err = s.err
		}
		return nil, fmt.Errorf("sign %s: %w", d.fileName(), err)
	}
	return sig, nil
}

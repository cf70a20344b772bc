package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"github.com/sigstore/sigstore/pkg/signature/kms/aws"
	"github.com/sigstore/sigstore/pkg/signature/options"
)

// sign has Sigstore's provider sign with the key at an awskms:/// URI, and
// verifies the signature under a public key in PEM with nothing but the
// standard library.
func sign(ctx context.Context, uri, path string) error {
	public, err := readKey(path)
	if err != nil {
		return err
	}
	signer, err := aws.LoadSignerVerifier(ctx, uri)
	if err != nil {
		return fmt.Errorf("load %s: %w", uri, err)
	}
	message := []byte("a message for " + uri)
	signature, err := signer.SignMessage(bytes.NewReader(message), options.WithContext(ctx))
	if err != nil {
		return fmt.Errorf("sign with %s: %w", uri, err)
	}
	if !ecdsa.VerifyASN1(public, digest(public, message), signature) {
		return fmt.Errorf("the signature of %s does not verify under %s", uri, path)
	}
	if ecdsa.VerifyASN1(public, digest(public, append(message, '!')), signature) {
		return errors.New("the signature verifies over another message too")
	}
	fmt.Printf("a %s signature of %s verifies under %s\n", public.Curve.Params().Name, uri, path)
	return nil
}

func digest(public *ecdsa.PublicKey, message []byte) []byte {
	if public.Curve == elliptic.P384() {
		sum := sha512.Sum384(message)
		return sum[:]
	}
	sum := sha256.Sum256(message)
	return sum[:]
}

func readKey(path string) (*ecdsa.PublicKey, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, rest := pem.Decode(data)
	if block == nil || block.Type != "PUBLIC KEY" || len(bytes.TrimSpace(rest)) > 0 {
		return nil, fmt.Errorf("%s is not one public key in PEM", path)
	}
	var public crypto.PublicKey
	if public, err = x509.ParsePKIXPublicKey(block.Bytes); err != nil {
		return nil, err
	}
	key, ok := public.(*ecdsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%s holds a %T", path, public)
	}
	return key, nil
}

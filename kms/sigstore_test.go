package kms

import (
	"bytes"
	"context"
	"crypto"
	"strings"
	"testing"

	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/kms/aws"

	"github.com/linnemanlabs/trustroot/kms/local"
)

// Sigstore's own provider, which Fulcio, the TSA and Rekor use, signs with the
// keys that Create makes, named in every form that it takes, and its
// signatures verify under the key that Key shows.
func TestSigstoreProvider_SignsWithOurKeys(t *testing.T) {
	world(t, local.Options{})
	c := client(t, Options{})
	for algorithm, hash := range map[string]crypto.Hash{"P-256": crypto.SHA256, "P-384": crypto.SHA384} {
		alias := "alias/sigstore/" + strings.ToLower(algorithm)
		made := create(t, c, alias, algorithm)
		for _, ref := range []string{alias, made.ARN} {
			r, err := ParseRef(ref)
			if err != nil {
				t.Fatal(err)
			}
			signer, err := aws.LoadSignerVerifier(context.Background(), r.URI())
			if err != nil {
				t.Fatal(err)
			}
			signed, err := signer.SignMessage(strings.NewReader("message"))
			if err != nil {
				t.Fatal(err)
			}
			verifier, err := signature.LoadVerifier(made.PublicKey, hash)
			if err != nil {
				t.Fatal(err)
			}
			if err := verifier.VerifySignature(bytes.NewReader(signed), strings.NewReader("message")); err != nil {
				t.Errorf("%s: %v", r.URI(), err)
			}
			public, err := signer.PublicKey()
			if err != nil {
				t.Fatal(err)
			}
			if err := cryptoutils.EqualKeys(public, made.PublicKey); err != nil {
				t.Error(err)
			}
		}
	}
}

// A checkpoint key of Ed25519 is refused because that provider fails with it.
func TestSigstoreProvider_FailsWithEd25519(t *testing.T) {
	world(t, local.Options{})
	arn := raw(t, client(t, Options{}), kmsCreate("ECC_NIST_EDWARDS25519", "AWS_KMS"))
	signer, err := aws.LoadSignerVerifier(context.Background(), "awskms:///"+arn)
	if err == nil {
		_, err = signer.SignMessage(strings.NewReader("checkpoint"))
	}
	if err == nil {
		t.Error("the provider signs with Ed25519 now: the reason to refuse it for checkpoints is gone")
	}
}

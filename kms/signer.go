package kms

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki"
)

// scheme is how a curve signs in KMS: each has one hash.
type scheme struct {
	hash      crypto.Hash
	algorithm types.SigningAlgorithmSpec
}

var schemes = map[string]scheme{
	"P-256": {crypto.SHA256, types.SigningAlgorithmSpecEcdsaSha256},
	"P-384": {crypto.SHA384, types.SigningAlgorithmSpecEcdsaSha384},
	"P-521": {crypto.SHA512, types.SigningAlgorithmSpecEcdsaSha512},
}

// Signer signs digests with an ECDSA key. Each signature is one Sign call of
// message type DIGEST under ctx, and is verified under the key's public half
// before it is returned. A hash other than the curve's is an error.
func (c *Client) Signer(ctx context.Context, k *Key) crypto.Signer {
	return &signer{client: c, key: k, sign: func(in *kms.SignInput, options ...func(*kms.Options)) (*kms.SignOutput, error) {
		return c.api.Sign(ctx, in, options...)
	}}
}

type signer struct {
	client *Client
	key    *Key
	sign   func(in *kms.SignInput, options ...func(*kms.Options)) (*kms.SignOutput, error)
}

// Public implements crypto.Signer.
func (s *signer) Public() crypto.PublicKey { return s.key.PublicKey }

// Sign implements crypto.Signer. The random source is not used: KMS has its
// own.
func (s *signer) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	sch, err := s.check(digest, opts)
	if err != nil {
		return nil, fmt.Errorf("sign with %s: %w", s.key.ARN, err)
	}
	r, err := ParseRef(s.key.ARN)
	if err != nil {
		return nil, err
	}
	out, err := s.sign(&kms.SignInput{
		KeyId:            aws.String(s.key.ARN),
		Message:          digest,
		MessageType:      types.MessageTypeDigest,
		SigningAlgorithm: sch.algorithm,
	}, in(r))
	if err != nil {
		return nil, s.client.explain("kms:Sign", r, err)
	}
	if public, ok := s.key.PublicKey.(*ecdsa.PublicKey); !ok || !ecdsa.VerifyASN1(public, digest, out.Signature) {
		return nil, fault.New(fault.Verification, "the endpoint does not hold the key that it showed: find out which KMS answers",
			fmt.Errorf("sign with %s: the signature does not verify under the key's public half", s.key.ARN))
	}
	return out.Signature, nil
}

func (s *signer) check(digest []byte, opts crypto.SignerOpts) (scheme, error) {
	sch, ok := schemes[s.key.Algorithm()]
	switch {
	case !ok:
		return sch, fmt.Errorf("keys of spec %s are not used to sign here", s.key.Spec)
	case s.key.PublicKey == nil:
		return sch, errors.New("its public key was not read")
	case opts == nil || opts.HashFunc() != sch.hash:
		return sch, fmt.Errorf("a %s key in KMS signs %s digests only", s.key.Algorithm(), sch.hash)
	case len(digest) != sch.hash.Size():
		return sch, fmt.Errorf("a digest of %d bytes where %s has %d", len(digest), sch.hash, sch.hash.Size())
	case len(s.key.SigningAlgorithms) > 0 && !slices.Contains(s.key.SigningAlgorithms, string(sch.algorithm)):
		return sch, fmt.Errorf("the key does not list %s", sch.algorithm)
	}
	return sch, nil
}

// CSR has a KMS key sign a certification request for subject, and returns it
// as PEM with the key's evidence. It takes three calls: DescribeKey,
// GetPublicKey, Sign; a key that CheckKey would refuse for its state or origin
// is refused before the last.
func (c *Client) CSR(ctx context.Context, ref string, subject pki.Subject, now time.Time) ([]byte, Evidence, error) {
	k, err := c.Key(ctx, ref)
	if err != nil {
		return nil, Evidence{}, err
	}
	if err := CheckKey(k, "", RoleAuthority); err != nil {
		return nil, Evidence{}, err
	}
	der, err := pki.NewRequest(subject, c.Signer(ctx, k))
	if err != nil {
		return nil, Evidence{}, fmt.Errorf("certification request for %s: %w", k.ARN, err)
	}
	evidence, err := c.Evidence(ctx, k, now)
	if err != nil {
		return nil, Evidence{}, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), evidence, nil
}

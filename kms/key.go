package kms

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki"
)

// Key is a KMS key as DescribeKey and GetPublicKey show it. The words of
// Spec, Usage, Origin and State are the API's.
type Key struct {
	ARN string
	pki.KeyDescription
	PublicKey crypto.PublicKey // *ecdsa.PublicKey or ed25519.PublicKey; nil when KMS would not give it
	SPKI      []byte           // DER SubjectPublicKeyInfo of PublicKey
}

// Algorithm is the key's algorithm in the words of a plan: "P-256", "P-384",
// "P-521", "Ed25519", or the spec where the plan has no word for it.
func (k *Key) Algorithm() string {
	for algorithm, spec := range specs {
		if string(spec) == k.Spec {
			return algorithm
		}
	}
	return k.Spec
}

// specs are the KMS specs of the algorithms that a plan names, and of those
// that have to be recognised to be refused.
var specs = map[string]types.KeySpec{
	"P-256":   types.KeySpecEccNistP256,
	"P-384":   types.KeySpecEccNistP384,
	"P-521":   types.KeySpecEccNistP521,
	"Ed25519": types.KeySpecEccNistEdwards25519,
}

// SPKISHA256 is the SHA-256 of the DER SubjectPublicKeyInfo, 64 hex digits; for
// the key of a log it is the log ID. It is empty without a public key.
func (k *Key) SPKISHA256() string {
	if len(k.SPKI) == 0 {
		return ""
	}
	return digest.Hex(k.SPKI)
}

// Key reads a key: one DescribeKey, one GetPublicKey. An alias is resolved by
// the first, and the second asks by the ARN that it gave.
func (c *Client) Key(ctx context.Context, ref string) (*Key, error) {
	r, err := ParseRef(ref)
	if err != nil {
		return nil, err
	}
	k, err := c.describe(ctx, c.api, r)
	if err != nil {
		return nil, err
	}
	return k, c.readPublic(ctx, c.api, k)
}

func (c *Client) describe(ctx context.Context, via *kms.Client, r Ref) (*Key, error) {
	if r.Region == "" && c.region == "" {
		return nil, fault.New(fault.Device, "set AWS_REGION, or name the key by its ARN", fmt.Errorf("DescribeKey %s: no AWS region", r))
	}
	out, err := via.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String(r.String())}, in(r))
	if err != nil {
		return nil, c.explain("kms:DescribeKey", r, err)
	}
	k, err := fromMetadata(out.KeyMetadata)
	if err != nil {
		return nil, fmt.Errorf("DescribeKey %s: %w", r, err)
	}
	if r.IsAlias() {
		k.Alias = r.Resource
	}
	return k, nil
}

func fromMetadata(m *types.KeyMetadata) (*Key, error) {
	if m == nil {
		return nil, errors.New("the answer holds no metadata")
	}
	k := &Key{ARN: aws.ToString(m.Arn), KeyDescription: pki.KeyDescription{
		Description: aws.ToString(m.Description), Spec: string(m.KeySpec),
		Usage: string(m.KeyUsage), Origin: string(m.Origin), State: string(m.KeyState), Manager: string(m.KeyManager),
		MultiRegion: aws.ToBool(m.MultiRegion), Created: aws.ToTime(m.CreationDate).UTC(),
	}}
	if k.Spec == "" {
		k.Spec = string(m.CustomerMasterKeySpec) //nolint:staticcheck // older servers send only this
	}
	if m.DeletionDate != nil {
		at := m.DeletionDate.UTC()
		k.DeletionDate = &at
	}
	for _, a := range m.SigningAlgorithms {
		k.SigningAlgorithms = append(k.SigningAlgorithms, string(a))
	}
	if r, err := ParseRef(k.ARN); err != nil || !r.IsARN() || r.IsAlias() {
		return nil, fmt.Errorf("the answer names the key %q, which is not a key ARN", clip(k.ARN))
	}
	return k, nil
}

// readPublic fetches the public key and holds it against the spec.
func (c *Client) readPublic(ctx context.Context, via *kms.Client, k *Key) error {
	r, err := ParseRef(k.ARN)
	if err != nil {
		return err
	}
	out, err := via.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: aws.String(k.ARN)}, in(r))
	if err != nil {
		return c.explain("kms:GetPublicKey", r, err)
	}
	public, err := x509.ParsePKIXPublicKey(out.PublicKey)
	if err != nil {
		return fmt.Errorf("GetPublicKey %s: parse the public key: %w", k.ARN, err)
	}
	if got := algorithmOf(public); got != k.Algorithm() {
		return fmt.Errorf("GetPublicKey %s: the key is %s, DescribeKey says %s", k.ARN, got, k.Spec)
	}
	// the hash that identifies the key is taken over DER made here.
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return fmt.Errorf("GetPublicKey %s: encode the public key: %w", k.ARN, err)
	}
	k.PublicKey, k.SPKI = public, spki
	return nil
}

// algorithmOf is a public key's algorithm in the words of a plan.
func algorithmOf(public crypto.PublicKey) string {
	switch p := public.(type) {
	case *ecdsa.PublicKey:
		return p.Curve.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return fmt.Sprintf("%T", public)
}

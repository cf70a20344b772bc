package kms

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/linnemanlabs/trustroot/pki"
)

// Evidence is key.json: what KMS said of a key, when, and to whom.
type Evidence = pki.KeyEvidence

// Evidence writes down a key that was read with Key. The caller's identity is
// asked of STS once for the life of the client, and left out where STS does
// not say.
func (c *Client) Evidence(ctx context.Context, k *Key, now time.Time) (Evidence, error) {
	public, err := pki.EncodePublicKey(k.PublicKey)
	if err != nil {
		return Evidence{}, fmt.Errorf("evidence of %s: %w", k.ARN, err)
	}
	caller, err := c.Caller(ctx)
	if err != nil {
		caller = "" // told as progress when it was asked for
	}
	return Evidence{
		ARN: k.ARN, Describe: k.KeyDescription,
		PublicKey: string(public), SPKISHA256: k.SPKISHA256(), Time: now.UTC().Truncate(time.Second), Caller: caller,
	}, nil
}

// ParseEvidence reads a key.json and refuses one that contradicts itself: its
// digest must be that of its key, its spec must be that of its curve, its ARN
// must be a key's.
func ParseEvidence(data []byte) (Evidence, error) {
	e, err := pki.ParseKeyEvidence(data)
	if err != nil {
		return Evidence{}, err
	}
	if err := checkEvidence(e); err != nil {
		return Evidence{}, fmt.Errorf("key evidence: %w", err)
	}
	return e, nil
}

// KeyOf is the key as evidence has it.
func KeyOf(e Evidence) (*Key, error) {
	public, err := pki.ParseAnyPublicKey([]byte(e.PublicKey))
	if err != nil {
		return nil, err
	}
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, err
	}
	return &Key{ARN: e.ARN, KeyDescription: e.Describe, PublicKey: public, SPKI: spki}, nil
}

func checkEvidence(e Evidence) error {
	var errs []error
	if r, err := ParseRef(e.ARN); err != nil || !r.IsARN() || r.IsAlias() || r.String() != e.ARN {
		errs = append(errs, fmt.Errorf("arn %q is not a key ARN", clip(e.ARN)))
	}
	if e.Time.IsZero() {
		errs = append(errs, errors.New("time is missing"))
	}
	k, err := KeyOf(e)
	if err != nil {
		return errors.Join(append(errs, fmt.Errorf("public_key: %w", err))...)
	}
	if k.SPKISHA256() != e.SPKISHA256 {
		errs = append(errs, fmt.Errorf("spki_sha256 is %q, that of public_key is %s", clip(e.SPKISHA256), k.SPKISHA256()))
	}
	if got := algorithmOf(k.PublicKey); got != k.Algorithm() {
		errs = append(errs, fmt.Errorf("public_key is %s, key_spec says %q", got, clip(k.Spec)))
	}
	return errors.Join(errs...)
}

package kms

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/linnemanlabs/trustroot/internal/strict"
	"github.com/linnemanlabs/trustroot/pki"
)

// MaxEvidence bounds a key.json in bytes.
const MaxEvidence = 64 << 10

// Evidence is key.json: what KMS said of a key, when, and to whom. KMS does
// not attest where a key was made, so this is testimony of the admin host; what
// binds it is the pin of the SPKI in the plan.
type Evidence struct {
	ARN        string    `json:"arn"`
	Describe   Described `json:"describe_key"`
	PublicKey  string    `json:"public_key"`  // PEM, SubjectPublicKeyInfo
	SPKISHA256 string    `json:"spki_sha256"` // hex
	Time       time.Time `json:"time"`        // UTC, seconds
	Caller     string    `json:"caller,omitempty"`
}

// Described is what DescribeKey said, in the API's words.
type Described struct {
	Alias             string     `json:"alias,omitempty"` // that the key was asked for by
	Description       string     `json:"description,omitempty"`
	Spec              string     `json:"key_spec"`
	Usage             string     `json:"key_usage"`
	Origin            string     `json:"origin"`
	State             string     `json:"key_state"`
	Manager           string     `json:"key_manager,omitempty"`
	MultiRegion       bool       `json:"multi_region"`
	Created           time.Time  `json:"creation_date,omitzero"`
	DeletionDate      *time.Time `json:"deletion_date,omitempty"`
	SigningAlgorithms []string   `json:"signing_algorithms"`
}

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
		ARN: k.ARN,
		Describe: Described{
			Alias: k.Alias, Description: k.Description, Spec: k.Spec, Usage: k.Usage, Origin: k.Origin, State: k.State,
			Manager: k.Manager, MultiRegion: k.MultiRegion, Created: k.Created, DeletionDate: k.DeletionDate,
			SigningAlgorithms: k.SigningAlgorithms,
		},
		PublicKey: string(public), SPKISHA256: k.SPKISHA256(), Time: now.UTC().Truncate(time.Second), Caller: caller,
	}, nil
}

// Marshal writes key.json: indented, fields in the order of the type, a
// newline at the end.
func (e Evidence) Marshal() ([]byte, error) {
	b, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode key evidence: %w", err)
	}
	return append(b, '\n'), nil
}

// ParseEvidence reads a key.json of at most MaxEvidence bytes and refuses one
// that contradicts itself: its digest must be that of its key, its spec must
// be that of its curve, its ARN must be a key's.
func ParseEvidence(data []byte) (Evidence, error) {
	var e Evidence
	if len(data) > MaxEvidence {
		return e, fmt.Errorf("key evidence: %d bytes are more than the %d that are read", len(data), MaxEvidence)
	}
	if err := strict.JSON(data, &e); err != nil {
		return Evidence{}, fmt.Errorf("key evidence: %w", err)
	}
	if err := e.check(); err != nil {
		return Evidence{}, fmt.Errorf("key evidence: %w", err)
	}
	return e, nil
}

// Key is the key as the evidence has it.
func (e Evidence) Key() (*Key, error) {
	public, err := pki.ParseAnyPublicKey([]byte(e.PublicKey))
	if err != nil {
		return nil, err
	}
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, err
	}
	d := e.Describe
	return &Key{
		ARN: e.ARN, Alias: d.Alias, Description: d.Description, Spec: d.Spec, Usage: d.Usage, Origin: d.Origin,
		State: d.State, Manager: d.Manager, MultiRegion: d.MultiRegion, Created: d.Created, DeletionDate: d.DeletionDate,
		SigningAlgorithms: d.SigningAlgorithms, PublicKey: public, SPKI: spki,
	}, nil
}

func (e Evidence) check() error {
	var errs []error
	if r, err := ParseRef(e.ARN); err != nil || !r.IsARN() || r.IsAlias() || r.String() != e.ARN {
		errs = append(errs, fmt.Errorf("arn %q is no key ARN", clip(e.ARN)))
	}
	if e.Time.IsZero() {
		errs = append(errs, errors.New("time is missing"))
	}
	k, err := e.Key()
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

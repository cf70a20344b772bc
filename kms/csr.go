package kms

import (
	"context"
	"encoding/pem"
	"fmt"
	"time"

	"github.com/linnemanlabs/trustroot/pki"
)

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

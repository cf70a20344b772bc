package kms

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// policyName is the only one that KMS has. It may be left out there, but not
// with every server that speaks its protocol.
const policyName = "default"

// Policy reads a key's policy, JSON. It does not cross accounts: the client
// needs KeyAccountRole, or credentials of the key account.
func (c *Client) Policy(ctx context.Context, arn string) ([]byte, error) {
	r, err := ParseRef(arn)
	if err != nil {
		return nil, err
	}
	out, err := c.owner.GetKeyPolicy(ctx, &kms.GetKeyPolicyInput{KeyId: aws.String(r.String()), PolicyName: aws.String(policyName)}, in(r))
	if err != nil {
		return nil, c.explain("kms:GetKeyPolicy", r, err)
	}
	return []byte(aws.ToString(out.Policy)), nil
}

// SetPolicy replaces a key's policy. KMS refuses one that would lock the
// caller out.
func (c *Client) SetPolicy(ctx context.Context, arn string, document []byte) error {
	r, err := ParseRef(arn)
	if err != nil {
		return err
	}
	_, err = c.owner.PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{
		KeyId: aws.String(r.String()), PolicyName: aws.String(policyName), Policy: aws.String(string(document)),
	}, in(r))
	return c.explain("kms:PutKeyPolicy", r, err)
}

// CheckLivePolicy reads a key's policy and grants and holds both against the
// access that was meant. Grants that may not be read are named as unseen.
func (c *Client) CheckLivePolicy(ctx context.Context, arn string, role Role, algorithm string, a Access) (PolicyReport, error) {
	document, err := c.Policy(ctx, arn)
	if err != nil {
		return PolicyReport{}, err
	}
	report, err := CheckPolicy(document, role, algorithm, a)
	if err != nil {
		return report, err
	}
	r, err := ParseRef(arn)
	if err != nil {
		return report, err
	}
	grants := kms.NewListGrantsPaginator(c.owner, &kms.ListGrantsInput{KeyId: aws.String(r.String())})
	for n := 0; grants.HasMorePages(); {
		page, err := grants.NextPage(ctx, in(r))
		if err = errors.Join(err, turn(&n)); err != nil {
			report.Unseen = append(report.Unseen, "grants: "+c.explain("kms:ListGrants", r, err).Error())
			return report, nil
		}
		for _, g := range page.Grants {
			if f := grantFinding(g, a); f != "" {
				report.Findings = append(report.Findings, f)
			}
		}
	}
	return report, nil
}

func grantFinding(g types.GrantListEntry, a Access) string {
	who := aws.ToString(g.GranteePrincipal)
	if slices.Contains(a.signers(), who) {
		return ""
	}
	for _, o := range g.Operations {
		if o == types.GrantOperationSign || o == types.GrantOperationCreateGrant {
			return fmt.Sprintf("%s holds the grant %s for %s, unless the key policy denies it", who, aws.ToString(g.GrantId), o)
		}
	}
	return ""
}

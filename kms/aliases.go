package kms

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// Aliases lists the aliases of the key account by the key ID that each points
// at. It does not cross accounts: the client needs KeyAccountRole, or
// credentials of the key account.
func (c *Client) Aliases(ctx context.Context) (map[string][]string, error) {
	aliases := map[string][]string{}
	pages := kms.NewListAliasesPaginator(c.owner, &kms.ListAliasesInput{})
	for n := 0; pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err = errors.Join(err, turn(&n)); err != nil {
			return nil, c.explain("kms:ListAliases", Ref{}, err)
		}
		for _, a := range page.Aliases {
			if id := aws.ToString(a.TargetKeyId); id != "" {
				aliases[id] = append(aliases[id], aws.ToString(a.AliasName))
			}
		}
	}
	for _, names := range aliases {
		slices.Sort(names)
	}
	return aliases, nil
}

// NameAliases fills in the aliases of rows that KMS answered for.
func NameAliases(rows []Row, aliases map[string][]string) {
	for i := range rows {
		if r, err := ParseRef(rows[i].KeyARN); err == nil && r.IsARN() {
			rows[i].Aliases = aliases[r.ID()]
		}
	}
}

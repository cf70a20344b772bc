package kms

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// Row is one key of the plan beside what KMS says of it.
type Row struct {
	Planned
	Spec         string     `json:"key_spec,omitempty"`
	Usage        string     `json:"key_usage,omitempty"`
	Origin       string     `json:"origin,omitempty"`
	State        string     `json:"key_state,omitempty"`
	MultiRegion  bool       `json:"multi_region"`
	DeletionDate *time.Time `json:"deletion_date,omitempty"`
	Alias        string     `json:"alias,omitempty"`       // where the plan names the key by an alias
	Aliases      []string   `json:"aliases,omitempty"`     // that point at the key, where NameAliases filled them in
	KeyARN       string     `json:"arn,omitempty"`         // as KMS says
	Found        string     `json:"found_spki,omitempty"`  // SPKI SHA-256 as KMS says, hex
	Problems     []string   `json:"problems,omitempty"`    // deviations from the plan
	Unreachable  string     `json:"unreachable,omitempty"` // why KMS did not say
}

// Pin is the row as lines of the plan, for a second person to compare or to
// put in: the key's ARN and the SHA-256 of its SPKI.
func (r Row) Pin() string {
	return fmt.Sprintf("# %s\nkey: %s\nspki_sha256: %s\n", r.Planned, r.KeyARN, r.Found)
}

// List asks KMS for every key of the plan that names one, two calls a key. The
// rows are complete whatever the error: it is fault.Verification when a key
// deviates, fault.Device when KMS could not be asked, and names every reason.
func (c *Client) List(ctx context.Context, p *plan.Plan) ([]Row, error) {
	var rows []Row
	var asked []error
	for _, planned := range Keys(p) {
		if planned.ARN == "" {
			continue
		}
		if err := ctx.Err(); err != nil {
			return rows, fault.New(fault.Stopped, "run the same command again", err)
		}
		row, err := c.row(ctx, planned)
		if err != nil {
			asked = append(asked, fmt.Errorf("%s: %w", planned, err))
		}
		rows = append(rows, row)
	}
	shared(rows)
	var wrong []error
	for _, row := range rows {
		for _, problem := range row.Problems {
			wrong = append(wrong, fmt.Errorf("%s: %s", row.Planned, problem))
		}
	}
	switch {
	case len(wrong) > 0:
		return rows, fault.New(fault.Verification, "change the plan only if the key is the one that was meant; otherwise find out who changed it",
			errors.Join(append(wrong, asked...)...))
	case len(asked) > 0:
		return rows, fault.New(fault.Device, "", errors.Join(asked...))
	}
	return rows, nil
}

// row reads one key. The error is that KMS could not be asked; a key that is
// disabled or about to go is a deviation, not an error.
func (c *Client) row(ctx context.Context, p Planned) (Row, error) {
	row := Row{Planned: p}
	r, err := ParseRef(p.ARN)
	var k *Key
	if err == nil {
		k, err = c.describe(ctx, c.api, r)
	}
	if err != nil {
		row.Unreachable = err.Error()
		return row, err
	}
	// a key that is not enabled may have no public key to show, and says so
	// in its state.
	if publicErr := c.readPublic(ctx, c.api, k); publicErr != nil && k.State == "Enabled" {
		row.Unreachable, err = publicErr.Error(), publicErr
	}
	unreachable := row.Unreachable
	row = rowOf(p, k)
	row.Unreachable = unreachable
	if k.Alias != "" || p.ARN != k.ARN {
		row.Problems = append(row.Problems, "the plan names the key by "+p.ARN+", which can be repointed or is looked up where the caller is: pin "+k.ARN)
	}
	for _, problem := range deviations(k, p) {
		row.Problems = append(row.Problems, problem.Error())
	}
	if p.SPKISHA256 != "" && row.Found != "" && !strings.EqualFold(p.SPKISHA256, row.Found) {
		row.Problems = append(row.Problems, "the public key's SPKI SHA-256 is "+row.Found+", the plan pins "+p.SPKISHA256)
	}
	return row, err
}

func rowOf(p Planned, k *Key) Row {
	return Row{
		Planned: p, Spec: k.Spec, Usage: k.Usage, Origin: k.Origin, State: k.State, MultiRegion: k.MultiRegion,
		DeletionDate: k.DeletionDate, Alias: k.Alias, KeyARN: k.ARN, Found: k.SPKISHA256(),
	}
}

// shared marks rows whose keys are the same: two logs with one key have one
// log ID, and any other sharing makes one compromise two. Generations of one
// authority may share theirs.
func shared(rows []Row) {
	for i := range rows {
		for j := range rows {
			if i == j || rows[i].KeyARN == "" {
				continue
			}
			if rows[i].Kind == "authorities" && rows[j].Kind == "authorities" && rows[i].Name == rows[j].Name {
				continue // a renewal may keep the key
			}
			if rows[i].KeyARN != rows[j].KeyARN && (rows[i].Found == "" || rows[i].Found != rows[j].Found) {
				continue
			}
			problem := "its key is that of " + rows[j].String() + " too"
			if rows[i].Kind == "logs" && rows[j].Kind == "logs" {
				problem += ": two logs with one key have the same log ID, and a verifier cannot tell their entries apart"
			}
			rows[i].Problems = append(rows[i].Problems, problem)
		}
	}
}

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

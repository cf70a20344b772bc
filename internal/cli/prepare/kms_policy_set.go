package prepare

import (
	"context"
	"fmt"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/kms"
)

// change is one live policy to be replaced.
type change struct {
	kms.Planned
	document []byte
}

// setLive replaces the live policies that differ from the access that was
// meant, after it has shown why and by what.
func (o *kmsPolicyOptions) setLive(ctx context.Context, keys []kms.Planned, access func(kms.Planned) kms.Access) error {
	client, err := o.policyClient(ctx)
	if err != nil {
		return err
	}
	changes, err := o.changes(ctx, client, keys, access)
	if err != nil {
		return fmt.Errorf("%w; no policy was changed", err)
	}
	if len(changes) == 0 {
		o.Progress("every policy is as meant; none was changed")
		return nil
	}
	var text strings.Builder
	text.WriteString("These key policies will be replaced:\n")
	for _, c := range changes {
		term.Fprintf(&text, "  %s  %s\n", c.Planned, c.ARN)
		o.Progress("the new key policy of %s:\n%s", c.Planned, term.Text(c.document))
	}
	if err := o.Operator.Confirm(term.Question{
		Text: strings.TrimSpace(text.String()),
		Yes:  "the live policies are replaced; what only they allowed ends",
		No:   "no policy is changed",
	}); err != nil {
		return err
	}
	for n, c := range changes {
		if err := client.SetPolicy(ctx, c.ARN, c.document); err != nil {
			return fmt.Errorf("%s: %w; %d of %d policies were replaced", c.Planned, err, n, len(changes))
		}
		if err := cmdutil.PrintText(o.Out, fmt.Sprintf("%s  policy replaced\n", c.Planned)); err != nil {
			return err
		}
	}
	return nil
}

// changes holds every live policy against the access that was meant, and
// renders those that differ.
func (o *kmsPolicyOptions) changes(ctx context.Context, client *kms.Client, keys []kms.Planned, access func(kms.Planned) kms.Access) ([]change, error) {
	var all []change
	for _, k := range keys {
		if k.ARN == "" {
			o.Progress("%s: the plan names no key yet", k)
			continue
		}
		report, err := client.CheckLivePolicy(ctx, k.ARN, k.Role, k.Algorithm, access(k))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k, err)
		}
		if len(report.Findings) == 0 {
			o.Progress("%s: as meant", k)
			continue
		}
		for _, f := range report.Findings {
			o.Progress("%s: %s", k, f)
		}
		document, err := kms.KeyPolicy(k.Role, k.Algorithm, access(k))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k, err)
		}
		all = append(all, change{k, document})
	}
	return all, nil
}

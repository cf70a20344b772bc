package kms

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// TagAlias is the tag by which a key is found again when the run that made it
// ended before its alias was made. Its value is the alias.
const TagAlias = "trustroot:alias"

// CreateOptions describe a key to make.
type CreateOptions struct {
	Alias       string // "alias/trustroot/authorities/fulcio/g1"; needed: by it a key is found again
	Algorithm   string // "P-256" or "P-384"
	Description string
	Tags        map[string]string // beside TagAlias
	Policy      string            // JSON; empty: KMS's default, which trusts the account
}

// maker makes keys, and looks through the account's tags at most once unless
// an answer was lost.
type maker struct {
	client *Client
	tagged map[string][]string // TagAlias value → key ARNs, nil before the look
}

func (o CreateOptions) check() error {
	var errs []error
	if r, err := ParseRef(o.Alias); err != nil || r.IsARN() || !r.IsAlias() || r.Resource != o.Alias {
		errs = append(errs, fmt.Errorf("alias %q: write alias/NAME", o.Alias))
	}
	if o.Algorithm != "P-256" && o.Algorithm != "P-384" {
		errs = append(errs, fmt.Errorf("algorithm %q: keys are made on P-256 or P-384", o.Algorithm))
	}
	if _, own := o.Tags[TagAlias]; own {
		errs = append(errs, fmt.Errorf("tag %s is set from the alias", TagAlias))
	}
	if len(errs) == 0 {
		return nil
	}
	return fault.New(fault.Usage, "nothing was made", fmt.Errorf("create key: %w", errors.Join(errs...)))
}

// make makes a signing key in the key account, or returns the one that is
// there: first by its alias, then by its TagAlias. A key that exists and is of
// another algorithm or cannot serve is an error; its policy and tags are left
// alone. A CreateKey whose answer was lost is not sent again: the key is looked
// for instead, so that no second key is made.
func (m *maker) make(ctx context.Context, o CreateOptions) (k *Key, made bool, err error) {
	if err := o.check(); err != nil {
		return nil, false, err
	}
	c := m.client
	k, err = m.find(ctx, o)
	if err == nil && k == nil {
		made = true
		k, err = m.create(ctx, o)
	}
	if err != nil {
		return nil, false, err
	}
	if k.Alias == "" {
		if err := m.alias(ctx, k, o.Alias); err != nil {
			return nil, made, err
		}
	}
	if err := CheckKey(k, o.Algorithm, ""); err != nil {
		return nil, made, fmt.Errorf("%s exists: %w", o.Alias, err)
	}
	return k, made, c.readPublic(ctx, c.owner, k)
}

// find looks for a key by alias and then by tag; nil where there is none. The
// Alias of a key that was found by its tag is empty: it has none yet.
func (m *maker) find(ctx context.Context, o CreateOptions) (*Key, error) {
	c := m.client
	k, err := c.describe(ctx, c.owner, Ref{Resource: o.Alias})
	if errors.Is(err, ErrNotFound) {
		if m.tagged == nil {
			if m.tagged, err = c.scan(ctx); err != nil {
				return nil, err
			}
		}
		k, err = m.pick(ctx, o.Alias)
	}
	if err != nil || k == nil {
		return nil, err
	}
	return k, c.checkOwner(ctx, k, o)
}

// pick returns the one usable key that is tagged with alias.
func (m *maker) pick(ctx context.Context, alias string) (*Key, error) {
	var found []*Key
	for _, arn := range m.tagged[alias] {
		r, err := ParseRef(arn)
		if err != nil {
			return nil, err
		}
		k, err := m.client.describe(ctx, m.client.owner, r)
		if err != nil {
			return nil, err
		}
		if k.DeletionDate == nil {
			found = append(found, k)
		}
	}
	switch len(found) {
	case 0:
		return nil, nil //nolint:nilnil // no key is an answer here
	case 1:
		return found[0], nil
	}
	return nil, fault.New(fault.Device, "schedule the deletion of all but one, or give the right one the alias; nothing was made",
		fmt.Errorf("%d keys are tagged %s=%s: %s and %s", len(found), TagAlias, alias, found[0].ARN, found[1].ARN))
}

// scan reads the TagAlias of every key of the key account. A key whose tags
// may not be read is none of ours: the policies rendered here allow it.
func (c *Client) scan(ctx context.Context) (map[string][]string, error) {
	tagged := map[string][]string{}
	keys := kms.NewListKeysPaginator(c.owner, &kms.ListKeysInput{})
	for n := 0; keys.HasMorePages(); {
		page, err := keys.NextPage(ctx)
		if err = errors.Join(err, turn(&n)); err != nil {
			return nil, c.explain("kms:ListKeys", Ref{}, err)
		}
		for _, entry := range page.Keys {
			tags, err := c.tagsOf(ctx, aws.ToString(entry.KeyArn))
			value := tags[TagAlias]
			switch {
			case errors.Is(err, ErrDenied), errors.Is(err, ErrNotFound):
			case err != nil:
				return nil, err
			case value != "":
				tagged[value] = append(tagged[value], aws.ToString(entry.KeyArn))
			}
		}
	}
	return tagged, nil
}

func (c *Client) tagsOf(ctx context.Context, arn string) (map[string]string, error) {
	r, err := ParseRef(arn)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	tags := kms.NewListResourceTagsPaginator(c.owner, &kms.ListResourceTagsInput{KeyId: aws.String(arn)})
	for n := 0; tags.HasMorePages(); {
		page, err := tags.NextPage(ctx)
		if err = errors.Join(err, turn(&n)); err != nil {
			return nil, c.explain("kms:ListResourceTags", r, err)
		}
		for _, t := range page.Tags {
			all[aws.ToString(t.TagKey)] = aws.ToString(t.TagValue)
		}
	}
	return all, nil
}

func (m *maker) create(ctx context.Context, o CreateOptions) (*Key, error) {
	c := m.client
	input := &kms.CreateKeyInput{
		KeySpec: specs[o.Algorithm], KeyUsage: types.KeyUsageTypeSignVerify, Origin: types.OriginTypeAwsKms,
		Tags: []types.Tag{{TagKey: aws.String(TagAlias), TagValue: aws.String(o.Alias)}},
	}
	for _, name := range slices.Sorted(maps.Keys(o.Tags)) {
		input.Tags = append(input.Tags, types.Tag{TagKey: aws.String(name), TagValue: aws.String(o.Tags[name])})
	}
	if o.Description != "" {
		input.Description = aws.String(o.Description)
	}
	if o.Policy != "" {
		input.Policy = aws.String(o.Policy)
	}
	out, err := c.owner.CreateKey(ctx, input, c.onlyThrottles)
	switch {
	case err == nil:
		return fromMetadata(out.KeyMetadata)
	case !isLost(err):
		return nil, c.explain("kms:CreateKey", Ref{}, err)
	}
	c.options.Progress("the answer to CreateKey was lost; looking for the key by its tag")
	var lookErr error
	if m.tagged, lookErr = c.scan(ctx); lookErr == nil {
		var k *Key
		if k, lookErr = m.pick(ctx, o.Alias); k != nil && c.checkOwner(ctx, k, o) == nil {
			return k, nil
		}
	}
	return nil, fault.New(fault.Device, "run the same command again in a minute: it looks for the key before it makes one",
		fmt.Errorf("the answer to CreateKey for %s was lost and the key is not to be seen yet: %w", o.Alias, errors.Join(err, lookErr)))
}

// isLost reports whether a call may have been carried out all the same: no
// answer came, or one that says that the server failed.
func isLost(err error) bool {
	if errors.Is(err, context.Canceled) {
		return false
	}
	if _, ok := errors.AsType[*credentialsError](err); ok {
		return false
	}
	e, ok := errors.AsType[smithy.APIError](err)
	return !ok || e.ErrorFault() == smithy.FaultServer
}

// onlyThrottles retries what was certainly not carried out.
func (c *Client) onlyThrottles(o *kms.Options) {
	o.Retryer = c.options.retryer(o.Retryer.MaxAttempts(), retry.NoRetryCanceledError{}, retry.RetryableErrorCode{Codes: retry.DefaultThrottleErrorCodes})
}

// alias points a new alias at a key. KMS is eventually consistent: a key that
// was just made may not be found for a moment, which the SDK's retry bridges.
func (m *maker) alias(ctx context.Context, k *Key, alias string) error {
	c := m.client
	_, err := c.owner.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: aws.String(alias), TargetKeyId: aws.String(k.ARN)},
		func(o *kms.Options) { o.Retryer = retry.AddWithErrorCodes(o.Retryer, "NotFoundException") })
	if _, taken := errors.AsType[*types.AlreadyExistsException](err); taken {
		// an answer that was lost, or somebody else.
		there, err := c.describe(ctx, c.owner, Ref{Resource: alias})
		if err != nil {
			return err
		}
		if there.ARN != k.ARN {
			return fault.New(fault.Device, "find out who made the other key and delete one of the two",
				fmt.Errorf("%s points at %s, not at %s", alias, there.ARN, k.ARN))
		}
	} else if err != nil {
		return fault.New(fault.Device, "run the same command again: it goes on with this key",
			fmt.Errorf("the key %s was made, its alias was not: %w", k.ARN, c.explain("kms:CreateAlias", Ref{Resource: alias}, err)))
	}
	k.Alias = alias
	return nil
}

// Existing divides the steps of Missing into the keys that an earlier run made
// already, found by alias or by TagAlias, and the steps that are left. It
// changes nothing: a key that was found without its alias is left to
// CreateMissing, which gives it one.
func (c *Client) Existing(ctx context.Context, steps []Step) (there []Made, left []Step, err error) {
	m := &maker{client: c}
	for _, s := range steps {
		k, err := m.find(ctx, s.Key)
		if err != nil {
			return there, nil, fmt.Errorf("%s: %w; nothing was made", s.Planned, err)
		}
		if k == nil || k.Alias == "" {
			s.found = k != nil
			left = append(left, s)
			continue
		}
		if err := c.readPublic(ctx, c.owner, k); err != nil {
			return there, nil, fmt.Errorf("%s: %w; nothing was made", s.Planned, err)
		}
		if err := CheckKey(k, s.Key.Algorithm, s.Role); err != nil {
			return there, nil, fmt.Errorf("%s: %s exists: %w; nothing was made", s.Planned, s.Key.Alias, err)
		}
		there = append(there, Made{Row: rowOf(s.Planned, k)})
	}
	return there, left, nil
}

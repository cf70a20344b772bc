package kms

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// call is one operation of the SDK's KMS client.
type call[In, Out any] func(context.Context, *In, ...func(*kms.Options)) (*Out, error)

// api is what this package needs of the SDK's KMS client, as functions. The
// client itself must never stand in an interface, nor in a struct that does: the
// linker would keep its other forty operations too, with types that the runtime
// reads at every start.
type api struct {
	DescribeKey  call[kms.DescribeKeyInput, kms.DescribeKeyOutput]
	GetPublicKey call[kms.GetPublicKeyInput, kms.GetPublicKeyOutput]
	Sign         call[kms.SignInput, kms.SignOutput]
	CreateKey    call[kms.CreateKeyInput, kms.CreateKeyOutput]
	CreateAlias  call[kms.CreateAliasInput, kms.CreateAliasOutput]
	GetKeyPolicy call[kms.GetKeyPolicyInput, kms.GetKeyPolicyOutput]
	PutKeyPolicy call[kms.PutKeyPolicyInput, kms.PutKeyPolicyOutput]

	// behind methods, for the SDK's paginators
	listKeys         call[kms.ListKeysInput, kms.ListKeysOutput]
	listResourceTags call[kms.ListResourceTagsInput, kms.ListResourceTagsOutput]
	listGrants       call[kms.ListGrantsInput, kms.ListGrantsOutput]
	listAliases      call[kms.ListAliasesInput, kms.ListAliasesOutput]
}

func newAPI(c *kms.Client) *api {
	return &api{
		DescribeKey:  c.DescribeKey,
		GetPublicKey: c.GetPublicKey,
		Sign:         c.Sign,
		CreateKey:    c.CreateKey,
		CreateAlias:  c.CreateAlias,
		GetKeyPolicy: c.GetKeyPolicy,
		PutKeyPolicy: c.PutKeyPolicy,

		listKeys:         c.ListKeys,
		listResourceTags: c.ListResourceTags,
		listGrants:       c.ListGrants,
		listAliases:      c.ListAliases,
	}
}

// ListKeys asks for one page.
func (a *api) ListKeys(ctx context.Context, in *kms.ListKeysInput, with ...func(*kms.Options)) (*kms.ListKeysOutput, error) {
	return a.listKeys(ctx, in, with...)
}

// ListResourceTags asks for one page.
func (a *api) ListResourceTags(ctx context.Context, in *kms.ListResourceTagsInput, with ...func(*kms.Options)) (*kms.ListResourceTagsOutput, error) {
	return a.listResourceTags(ctx, in, with...)
}

// ListGrants asks for one page.
func (a *api) ListGrants(ctx context.Context, in *kms.ListGrantsInput, with ...func(*kms.Options)) (*kms.ListGrantsOutput, error) {
	return a.listGrants(ctx, in, with...)
}

// ListAliases asks for one page.
func (a *api) ListAliases(ctx context.Context, in *kms.ListAliasesInput, with ...func(*kms.Options)) (*kms.ListAliasesOutput, error) {
	return a.listAliases(ctx, in, with...)
}

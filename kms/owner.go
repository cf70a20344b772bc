package kms

import (
	"context"
	"fmt"
	"regexp"
	"slices"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/kms/internal/iampolicy"
)

// Tags that say whose a key is. A key whose tags say anything else is never
// taken for one that an earlier run made.
const (
	TagOrganization = "trustroot:organization"
	TagDirectory    = "trustroot:directory" // what is said of the ledger's first line
)

// untaggable is what a tag's value cannot hold.
var untaggable = regexp.MustCompile(`[^\p{L}\p{Z}\p{N}_.:/=+\-@]`)

// tagValue is a text as a tag can have it.
func tagValue(text string) string {
	text = untaggable.ReplaceAllString(text, "_")
	return text[:min(len(text), 250)]
}

// checkOwner refuses a key that is there already and belongs to somebody else:
// its tags name another organization or trust directory, or its policy names
// somebody whom the key's policy to be does not. Without tags to be, anybody's
// will do.
func (c *Client) checkOwner(ctx context.Context, k *Key, o CreateOptions) error {
	if o.Tags[TagOrganization] == "" {
		return nil
	}
	tags, err := c.tagsOf(ctx, k.ARN)
	if err != nil {
		return err
	}
	for _, name := range []string{TagOrganization, TagDirectory} {
		if want := o.Tags[name]; tags[name] != want {
			return fault.New(fault.Verification, "find out whose the key is, and give another --alias-prefix; nothing was made",
				fmt.Errorf("%s exists, and is not a key of this trust directory: key %s has the tag %s=%q, not %q", o.Alias, k.ARN, name, tags[name], want))
		}
	}
	return c.checkNames(ctx, k, o)
}

// checkNames refuses a key whose live policy names a principal that neither
// the policy to be names nor the key's own account is.
func (c *Client) checkNames(ctx context.Context, k *Key, o CreateOptions) error {
	r, err := ParseRef(k.ARN)
	if err != nil {
		return err
	}
	document, err := c.Policy(ctx, k.ARN)
	if err != nil {
		return err
	}
	live, err := iampolicy.Parse(document)
	if err != nil {
		return err
	}
	known := []string{rootOf(r.Account), r.Account}
	if o.Policy != "" {
		meant, err := iampolicy.Parse([]byte(o.Policy))
		if err != nil {
			return err
		}
		known = append(known, meant.Names()...)
	}
	names := live.Names()
	for _, s := range live.Statement {
		if s.Effect == iampolicy.Allow && s.Means(stranger, "arn:aws:iam::"+stranger+":"+somebody) != iampolicy.NotMeant {
			names = append(names, "*")
		}
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return fault.New(fault.Verification, "find out who made the key: `trustroot kms policy --check` shows who may use it; nothing was made",
				fmt.Errorf("%s exists, and its key policy names %q, who is not meant to use it: key %s is not taken", o.Alias, name, k.ARN))
		}
	}
	return nil
}

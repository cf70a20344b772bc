package kms

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/kms/local"
)

func TestCreate_Twice(t *testing.T) {
	s := world(t, local.Options{})
	c := client(t, Options{})
	first := create(t, c, "alias/rekor", "P-256")
	count(s)
	second := create(t, c, "alias/rekor", "P-256")
	if n := count(s); first.ARN != second.ARN || n["CreateKey"] != 0 || n["CreateAlias"] != 0 {
		t.Errorf("the second run made %s after %s with the calls %v", second.ARN, first.ARN, n)
	}
}

func TestCreate_GoesOnAfterLostAlias(t *testing.T) {
	s := world(t, local.Options{})
	c := client(t, Options{})
	s.SetRules(local.Rules{Deny: []local.Deny{{Action: "CreateAlias"}}})
	_, err := c.Create(t.Context(), CreateOptions{Alias: "alias/rekor", Algorithm: "P-256"})
	if err == nil || !strings.Contains(err.Error(), "its alias was not") {
		t.Fatalf("without leave to make an alias: %v", err)
	}
	s.SetRules(local.Rules{})
	count(s)
	k := create(t, c, "alias/rekor", "P-256")
	if n := count(s); n["CreateKey"] != 0 || n["CreateAlias"] != 1 {
		t.Errorf("the next run made the calls %v", n)
	}
	if again := create(t, c, "alias/rekor", "P-256"); again.ARN != k.ARN {
		t.Errorf("the alias points at %s, not at %s", again.ARN, k.ARN)
	}
}

func TestCreate_LostAnswerMakesNoSecondKey(t *testing.T) {
	s := world(t, local.Options{})
	c := client(t, Options{})
	for n := 1; n <= 8; n++ { // whichever call of the run it is
		s.SetRules(local.Rules{CutEvery: n})
		count(s)
		alias := "alias/torn" + string(rune('0'+n))
		_, err := c.Create(t.Context(), CreateOptions{Alias: alias, Algorithm: "P-256"})
		s.SetRules(local.Rules{})
		if err != nil && n > 1 { // with n = 1 nothing is ever answered
			t.Errorf("connection %d torn: %v", n, err)
		}
		create(t, c, alias, "P-256")
		made := 0
		for _, call := range s.Calls() {
			if call.Action == "CreateKey" {
				made++
			}
		}
		if made != 1 {
			t.Errorf("connection %d torn: CreateKey was called %d times", n, made)
		}
	}
}

func TestCreate_RefusesWhatIsThereAndUnfit(t *testing.T) {
	world(t, local.Options{})
	c := client(t, Options{})
	create(t, c, "alias/x", "P-256")
	_, err := c.Create(t.Context(), CreateOptions{Alias: "alias/x", Algorithm: "P-384"})
	if fault.ExitCode(err) != int(fault.Verification) || !strings.Contains(err.Error(), "the key is P-256, the plan says P-384") {
		t.Errorf("an existing key on another curve: %v", err)
	}
	for _, o := range []CreateOptions{
		{Alias: "x", Algorithm: "P-256"},
		{Alias: "alias/y", Algorithm: "Ed25519"},
		{Alias: "alias/y", Algorithm: "P-256", Tags: map[string]string{TagAlias: "z"}},
	} {
		if _, err := c.Create(t.Context(), o); fault.ExitCode(err) != int(fault.Usage) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestCreate_FindsTheTagBehindManyKeys(t *testing.T) {
	s := world(t, local.Options{})
	c := client(t, Options{})
	s.SetRules(local.Rules{Deny: []local.Deny{{Action: "CreateAlias"}}})
	if _, err := c.Create(t.Context(), CreateOptions{Alias: "alias/lost", Algorithm: "P-256"}); err == nil {
		t.Fatal("an alias was made without leave")
	}
	s.SetRules(local.Rules{})
	for range 130 { // more than one page of ListKeys
		raw(t, c, kms.CreateKeyInput{KeySpec: types.KeySpecEccNistP256})
	}
	count(s)
	create(t, c, "alias/lost", "P-256")
	if n := count(s); n["CreateKey"] != 0 || n["ListKeys"] != 2 || n["ListResourceTags"] != 131 {
		t.Errorf("calls %v", n)
	}
}

// raw makes a key that Create would not make, and returns its ARN.
func raw(t *testing.T, c *Client, in kms.CreateKeyInput) string {
	t.Helper()
	in.KeyUsage = types.KeyUsageTypeSignVerify
	out, err := c.owner.CreateKey(t.Context(), &in)
	if err != nil {
		t.Fatal(err)
	}
	return *out.KeyMetadata.Arn
}

func kmsCreate(spec types.KeySpec, origin types.OriginType) kms.CreateKeyInput {
	return kms.CreateKeyInput{KeySpec: spec, Origin: origin}
}

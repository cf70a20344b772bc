package kms

import (
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/kms/local"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// twoApps is a plan whose two keys are still to be made.
func twoApps() *plan.Plan {
	unmade := []plan.Generation{{Generation: 1}}
	return &plan.Plan{Organization: "example.org", Apps: map[string]plan.App{
		"shop": {Algorithm: "P-384", Generations: unmade}, "mail": {Algorithm: "P-256", Generations: unmade},
	}}
}

func TestExisting_DividesMadeFromMissing(t *testing.T) {
	s := world(t, local.Options{})
	c := client(t, Options{})
	steps, err := Missing(twoApps(), MissingOptions{})
	if err != nil {
		t.Fatal(err)
	}
	there, left, err := c.Existing(t.Context(), steps)
	if err != nil || len(there) != 0 || len(left) != 2 {
		t.Fatalf("before: %v, %v, %v", there, left, err)
	}
	made, err := c.CreateMissing(t.Context(), left[:1])
	if err != nil {
		t.Fatal(err)
	}
	// the second key loses its alias
	s.SetRules(local.Rules{Deny: []local.Deny{{Action: "CreateAlias"}}})
	if _, err := c.CreateMissing(t.Context(), left[1:]); err == nil {
		t.Fatal("an alias was made without leave")
	}
	s.SetRules(local.Rules{})
	s.Forget()
	there, left, err = c.Existing(t.Context(), steps)
	if err != nil || len(there) != 1 || there[0].KeyARN != made[0].KeyARN || there[0].New {
		t.Errorf("after: %+v, %v", there, err)
	}
	if len(left) != 1 || !strings.Contains(left[0].String(), "an earlier run made for apps/shop g1 its alias") {
		t.Errorf("left: %v", left)
	}
	if n := count(s); n["CreateKey"] != 0 || n["CreateAlias"] != 0 {
		t.Errorf("looking changed something: %v", n)
	}
}

func TestExisting_RefusesAnUnfitKey(t *testing.T) {
	world(t, local.Options{})
	c := client(t, Options{})
	create(t, c, "alias/trustroot/apps/mail/g1", "P-384")
	steps, err := Missing(twoApps(), MissingOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = c.Existing(t.Context(), steps)
	if fault.ExitCode(err) != int(fault.Verification) || !strings.Contains(err.Error(), "the plan says P-256") {
		t.Errorf("got %v", err)
	}
}

func TestAliases_NamesRows(t *testing.T) {
	world(t, local.Options{})
	c := client(t, Options{})
	k := create(t, c, "alias/b", "P-256")
	other := create(t, c, "alias/a", "P-256")
	aliases, err := c.Aliases(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rows := []Row{{KeyARN: k.ARN}, {KeyARN: other.ARN}, {}}
	NameAliases(rows, aliases)
	if len(rows[0].Aliases) != 1 || rows[0].Aliases[0] != "alias/b" || rows[1].Aliases[0] != "alias/a" || rows[2].Aliases != nil {
		t.Errorf("rows %+v", rows)
	}
}

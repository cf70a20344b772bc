package tuf

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

func TestPolicy_EveryProblemAtOnce(t *testing.T) {
	w := newWorld(t)
	p384 := testpki.Key(w.t, elliptic.P384())
	w.pol.Root.Threshold = 1
	w.pol.Root.Holders[0].PublicKey = &p384.PublicKey
	w.pol.Root.Holders[1].Name = "carol"
	w.pol.Targets.Threshold = 4
	w.pol.Timestamp.Resign = 7
	w.pol.Online = w.keys["bob"].Public()
	err := w.pol.Validate()
	if err == nil {
		t.Fatal("valid")
	}
	for _, want := range []string{
		"root: a threshold of one", "name the exception tuf-single-holder",
		"root: holder alice: an ECDSA key on P-384: " + whyP256,
		"root: holder carol stands here twice",
		"targets: threshold 4 of 3 holders cannot be met",
		"timestamp: expiry 7 days, re-sign 7 days before",
		"online key: it is bob's key",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in\n%v", want, err)
		}
	}
}

func TestPolicy_SingleHolderOnlyWhenAllowed(t *testing.T) {
	w := newWorld(t)
	w.pol.Root, w.pol.Targets = w.role(1, 197, 46, "alice"), w.role(1, 365, 31, "alice")
	if err := w.pol.Validate(); err == nil {
		t.Error("a threshold of one passed")
	}
	w.pol.AllowSingleHolder = true
	st := newMemory()
	w.publish(w.sign(w.init(day0), "alice"), st, day0)
}

func TestPolicy_TwoHoldersWithOneKey(t *testing.T) {
	w := newWorld(t)
	w.pol.Root.Holders[1].PublicKey = w.pol.Root.Holders[0].PublicKey
	if err := w.pol.Validate(); err == nil || !strings.Contains(err.Error(), "holders alice and bob have the same key") {
		t.Errorf("%v", err)
	}
}

func TestCheckKey_OtherTypes(t *testing.T) {
	pub, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []any{nil, pub, (*ecdsa.PublicKey)(nil), &ecdsa.PublicKey{}} {
		if _, err := CheckKey(key); err == nil {
			t.Errorf("%T passed", key)
		}
	}
}

func TestFromPlan_HoldersExceptionAndApps(t *testing.T) {
	w := newWorld(t)
	p := &plan.Plan{
		TUF: &plan.TUF{
			Root:      plan.Role{Holders: []string{"alice"}, Threshold: 1, Expiry: 197, Resign: 46},
			Targets:   plan.Role{Holders: []string{"alice"}, Threshold: 1, Expiry: 365, Resign: 31},
			Snapshot:  plan.OnlineRole{Expiry: 30, Resign: 10},
			Timestamp: plan.OnlineRole{Expiry: 7, Resign: 6},
		},
		Apps: map[string]plan.App{"web": {}},
	}
	keys := map[string]*ecdsa.PublicKey{"alice": &w.keys["alice"].PublicKey}
	if _, err := fromPlan(p, keys, w.online.Public()); err == nil {
		t.Error("a single holder passed without the exception")
	}
	p.Exceptions = []plan.Exception{{Name: plan.ExceptionSingleHolder, Reason: "one token"}}
	pol, err := fromPlan(p, keys, w.online.Public())
	w.must(err)
	if len(pol.Delegations) != 1 || pol.Delegations[0].Name != AppsRole {
		t.Errorf("delegations: %+v", pol.Delegations)
	}
	p.TUF.Root.Holders = []string{"alice", "zoe"}
	if _, err := fromPlan(p, keys, w.online.Public()); err == nil || !strings.Contains(err.Error(), "zoe has no public key yet") {
		t.Errorf("%v", err)
	}
}

func TestKeyID_IsTheOneOfGoTUF(t *testing.T) {
	w := newWorld(t)
	key, id, err := encodeKey(w.online.Public())
	w.must(err)
	back, faults := readKey(id, key)
	w.must(errors.Join(faults...))
	if !back.Equal(w.online.Public()) {
		t.Error("the key did not come back")
	}
	if _, faults := readKey(strings.Repeat("0", 64), key); len(faults) == 0 {
		t.Error("a key passed under another key's ID")
	}
}

// fromPlan is a whole policy of a plan.
func fromPlan(p *plan.Plan, keys map[string]*ecdsa.PublicKey, online crypto.PublicKey) (Policy, error) {
	out, err := FromPlan(p, keys)
	if err != nil {
		return Policy{}, err
	}
	out.Online = online
	return out, out.Validate()
}

package kms

import (
	"crypto"
	"crypto/sha512"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/kms/local"
)

const (
	adminARN   = "arn:aws:iam::111122223333:role/key-admin"
	serviceARN = "arn:aws:iam::444455556666:role/fulcio"
	hostARN    = "arn:aws:iam::444455556666:user/admin-host"
	auditorARN = "arn:aws:iam::777788889999:role/auditor"
	someoneARN = "arn:aws:iam::444455556666:role/someone"
)

var access = Access{
	Account: "111122223333", Admins: []string{adminARN}, Services: []string{serviceARN},
	Requesters: []string{hostARN}, Auditors: []string{auditorARN},
}

// accounts is a cross-account world: the key account has a role that the admin
// host may assume, and the service lives in another account, with the IAM
// policy that ServicePolicy renders.
func accounts(t *testing.T) *local.Server {
	t.Helper()
	service, err := ServicePolicy("P-384", anARN)
	if err != nil {
		t.Fatal(err)
	}
	maker, err := MakerPolicy()
	if err != nil {
		t.Fatal(err)
	}
	anyKey := strings.ReplaceAll(string(service), anARN, "arn:aws:kms:*:111122223333:key/*")
	return world(t, local.Options{
		Principals: map[string]local.Principal{
			"HOST":    {ARN: hostARN},
			"SERVICE": {ARN: serviceARN, Policy: anyKey},
			"SOMEONE": {ARN: someoneARN},
			"AUDITOR": {ARN: auditorARN},
		},
		Roles: []local.Role{{ARN: adminARN, Trust: []string{hostARN}, Policy: string(maker)}},
	})
}

func TestKeyPolicy_AcrossAccounts(t *testing.T) {
	s := accounts(t)
	as(t, s, "HOST")
	c := client(t, Options{KeyAccountRole: adminARN})
	p := missingPlan()
	steps, err := Missing(p, MissingOptions{Policy: func(k Planned) ([]byte, error) {
		a := access
		if k.Role != RoleAuthority {
			a.Requesters = nil
		}
		return KeyPolicy(k.Role, k.Algorithm, a)
	}})
	if err != nil {
		t.Fatal(err)
	}
	done, err := c.CreateMissing(t.Context(), steps)
	if err != nil {
		t.Fatal(err)
	}
	arn := done[0].KeyARN // fulcio
	digest := sha512.Sum384(nil)
	sign := func(accessKey string, k *Key) error {
		as(t, s, accessKey)
		_, err := client(t, Options{}).Signer(t.Context(), k).Sign(nil, digest[:], crypto.SHA384)
		return err
	}
	k, err := c.Key(t.Context(), arn) // as the host itself, by the cross-account ARN
	if err != nil {
		t.Fatal(err)
	}
	for _, who := range []string{"HOST", "SERVICE"} {
		if err := sign(who, k); err != nil {
			t.Errorf("%s should sign: %v", who, err)
		}
	}
	for _, who := range []string{"SOMEONE", "AUDITOR", local.AccessKeyID} {
		met(t, sign(who, k), fault.Device, "access denied", "key policy")
	}
	as(t, s, "HOST")
	if _, err := c.owner.Sign(t.Context(), &kms.SignInput{KeyId: aws.String(arn), Message: digest[:],
		MessageType: types.MessageTypeDigest, SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha384}); err == nil {
		t.Error("the administrators' role signed")
	}
	sdk := sdk(t, c.options)
	for _, days := range []int32{7, 30} {
		if _, err := sdk.ScheduleKeyDeletion(t.Context(), &kms.ScheduleKeyDeletionInput{KeyId: aws.String(arn), PendingWindowInDays: aws.Int32(days)}); err == nil {
			t.Errorf("the administrators' role scheduled the deletion in %d days", days)
		}
	}
	report, err := c.CheckLivePolicy(t.Context(), arn, RoleAuthority, "P-384", access)
	if err != nil || len(report.Findings) != 0 {
		t.Errorf("findings %q (%v)", report.Findings, err)
	}
	if want := "IAM of account 444455556666"; !strings.Contains(strings.Join(report.Unseen, "\n"), want) {
		t.Errorf("unseen %q lacks %q", report.Unseen, want)
	}
	as(t, s, "AUDITOR")
	if k, err := client(t, Options{}).Key(t.Context(), arn); err != nil || k.SPKISHA256() != done[0].Found {
		t.Errorf("the second person sees %v (%v)", k, err)
	}
}

func TestKeyAccountRole_Refused(t *testing.T) {
	s := accounts(t)
	as(t, s, "SOMEONE")
	c := client(t, Options{KeyAccountRole: adminARN})
	_, err := c.Create(t.Context(), CreateOptions{Alias: "alias/x", Algorithm: "P-256"})
	met(t, err, fault.Device, "sts:AssumeRole on resource: "+adminARN, "trust policy")
}

func TestKeyPolicy_Refuses(t *testing.T) {
	for name, change := range map[string]func(*Access){
		"no administrator":           func(a *Access) { a.Admins = nil },
		"an administrator who signs": func(a *Access) { a.Services = append(a.Services, adminARN) },
		"a whole account":            func(a *Access) { a.Services = []string{"arn:aws:iam::444455556666:root"} },
		"everyone":                   func(a *Access) { a.Services = []string{"*"} },
		"a pattern":                  func(a *Access) { a.Auditors = []string{"arn:aws:iam::444455556666:role/*"} },
		"a session":                  func(a *Access) { a.Services = []string{"arn:aws:sts::444455556666:assumed-role/fulcio/x"} },
		"no account":                 func(a *Access) { a.Account = "" },
		`text that ends the string`:  func(a *Access) { a.Services = []string{serviceARN + `"],"Action":"kms:*`} },
	} {
		a := access
		change(&a)
		if _, err := KeyPolicy(RoleAuthority, "P-384", a); fault.ExitCode(err) != int(fault.Usage) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := KeyPolicy(RoleRekor, "P-256", access); err == nil {
		t.Error("a log's key was given a requester")
	}
	if _, err := KeyPolicy(RoleRekor, "P-384", Access{Account: access.Account, Admins: access.Admins}); err == nil {
		t.Error("a policy for a P-384 checkpoint key")
	}
	if _, err := ServicePolicy("P-384", "alias/x"); err == nil {
		t.Error("an IAM policy for an alias")
	}
}

func TestCheckPolicy_EveryRoleRendersClean(t *testing.T) {
	for role, algorithms := range roleAlgorithms {
		for _, algorithm := range algorithms {
			for _, a := range []Access{access, {Account: access.Account, Admins: access.Admins}} {
				if role != RoleAuthority {
					a.Requesters = nil
				}
				a.Deleters = []string{"arn:aws:iam::111122223333:role/undertaker"}
				document, err := KeyPolicy(role, algorithm, a)
				if err != nil {
					t.Fatal(err)
				}
				report, err := CheckPolicy(document, role, algorithm, a)
				if err != nil || len(report.Findings) > 0 {
					t.Errorf("%s %s: %q (%v)", role, algorithm, report.Findings, err)
				}
			}
		}
	}
}

// edited changes one rendered policy and returns what is found in it.
func edited(t *testing.T, change func(statements map[string]map[string]any) []map[string]any) []string {
	t.Helper()
	document, err := KeyPolicy(RoleAuthority, "P-384", access)
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(document, &doc); err != nil {
		t.Fatal(err)
	}
	by := map[string]map[string]any{}
	var list []any
	for _, s := range doc["Statement"].([]any) {
		by[s.(map[string]any)["Sid"].(string)] = s.(map[string]any)
	}
	added := change(by)
	for _, s := range doc["Statement"].([]any) {
		if by[s.(map[string]any)["Sid"].(string)] != nil {
			list = append(list, s)
		}
	}
	for _, s := range added {
		list = append(list, s)
	}
	doc["Statement"] = list
	document, err = json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	report, err := CheckPolicy(document, RoleAuthority, "P-384", access)
	if err != nil {
		t.Fatal(err)
	}
	return report.Findings
}

func has(t *testing.T, findings []string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !slices.ContainsFunc(findings, func(f string) bool { return strings.Contains(f, want) }) {
			t.Errorf("no finding says %q: %q", want, findings)
		}
	}
}

func TestCheckPolicy_NamesWhoCanSign(t *testing.T) {
	allow := func(who any, action any) map[string]any {
		return map[string]any{"Sid": "Added", "Effect": "Allow", "Principal": who, "Action": action, "Resource": "*"}
	}
	has(t, edited(t, func(by map[string]map[string]any) []map[string]any {
		delete(by, "NobodyElseSigns")
		return []map[string]any{allow(map[string]any{"AWS": someoneARN}, "kms:S*")}
	}), someoneARN+" can sign (statement Added)", "Added allows kms:Sign without")
	has(t, edited(t, func(by map[string]map[string]any) []map[string]any {
		delete(by, "NobodyElseSigns")
		return []map[string]any{allow(map[string]any{"AWS": rootOf("111122223333")}, "kms:*")}
	}), "everyone in account 111122223333 whose IAM policies allow it can sign (statement Added trusts the account)",
		"whose IAM policies allow it can rewrite the key policy", "whose IAM policies allow it can delete the key")
	has(t, edited(t, func(by map[string]map[string]any) []map[string]any {
		delete(by, "NobodyElseSigns")
		return []map[string]any{allow("*", "kms:Sign")}
	}), "everyone can sign, in any account")
	has(t, edited(t, func(by map[string]map[string]any) []map[string]any {
		// a stranger is let through the deny by its own name.
		by["NobodyElseSigns"]["Condition"] = map[string]any{"ArnNotLike": map[string]any{
			"aws:PrincipalArn": []string{serviceARN, hostARN, "arn:aws:iam::444455556666:role/ci-*"}}}
		return []map[string]any{allow(map[string]any{"AWS": "*"}, "kms:Sign")}
	}), "arn:aws:iam::444455556666:role/ci-* can sign (statement Added)")
	has(t, edited(t, func(by map[string]map[string]any) []map[string]any {
		delete(by, "NobodyElseSigns")
		s := allow(map[string]any{"AWS": "*"}, "kms:Sign")
		s["Condition"] = map[string]any{"StringEquals": map[string]any{"kms:CallerAccount": "888899990000"}}
		return []map[string]any{s}
	}), "everyone in account 888899990000 can sign (statement Added)")
	has(t, edited(t, func(by map[string]map[string]any) []map[string]any {
		delete(by, "NobodyElseSigns")
		s := allow("*", "kms:Sign")
		s["Condition"] = map[string]any{"StringEquals": map[string]any{"aws:PrincipalOrgID": "o-1"}}
		return []map[string]any{s}
	}), "everyone can sign, in any account (statement Added)")
	has(t, edited(t, func(by map[string]map[string]any) []map[string]any {
		delete(by, "NoGrants")
		return []map[string]any{allow(map[string]any{"AWS": adminARN}, "kms:CreateGrant")}
	}), adminARN+" can grant signing to anyone")
	has(t, edited(t, func(map[string]map[string]any) []map[string]any {
		return []map[string]any{allow(map[string]any{"AWS": someoneARN}, "kms:PutKeyPolicy")}
	}), someoneARN+" can rewrite the key policy")
	has(t, edited(t, func(map[string]map[string]any) []map[string]any {
		return []map[string]any{allow(map[string]any{"AWS": adminARN}, "kms:ScheduleKeyDeletion")}
	}), adminARN+" can delete the key")
	has(t, edited(t, func(by map[string]map[string]any) []map[string]any {
		// a condition that cannot be judged from here does not make it harmless.
		delete(by, "NobodyElseSigns")
		s := allow(map[string]any{"AWS": someoneARN}, "kms:Sign")
		s["Condition"] = map[string]any{"StringEquals": map[string]any{"aws:SourceVpce": "vpce-1"}}
		return []map[string]any{s}
	}), someoneARN+" can sign")
	has(t, edited(t, func(by map[string]map[string]any) []map[string]any {
		return []map[string]any{allow(map[string]any{"Service": "lambda.amazonaws.com"}, "kms:Sign")}
	}), "Service lambda.amazonaws.com can sign")
	has(t, edited(t, func(by map[string]map[string]any) []map[string]any {
		delete(by, "SignWithOneAlgorithm")
		delete(by, "ReadThePublicKey")
		return nil
	}), serviceARN+" should sign and the key policy does not let it")
	has(t, edited(t, func(by map[string]map[string]any) []map[string]any {
		delete(by, "ReadThePublicKey")
		return nil
	}), serviceARN+" should sign and cannot call kms:GetPublicKey")
}

func TestCheckPolicy_DenyThatHolds(t *testing.T) {
	findings := edited(t, func(map[string]map[string]any) []map[string]any {
		return []map[string]any{{"Sid": "Added", "Effect": "Allow", "Principal": map[string]any{"AWS": someoneARN},
			"Action": "kms:Sign", "Resource": "*", "Condition": map[string]any{"StringEquals": map[string]any{"kms:SigningAlgorithm": "ECDSA_SHA_384"}}}}
	})
	if len(findings) != 0 {
		t.Errorf("denied all the same, and still found: %q", findings)
	}
}

func TestCheckLivePolicy_DefaultPolicyAndGrants(t *testing.T) {
	s := world(t, local.Options{})
	c := client(t, Options{})
	k := create(t, c, "alias/x", "P-384")
	sdk := sdk(t, c.options)
	if _, err := sdk.CreateGrant(t.Context(), &kms.CreateGrantInput{KeyId: aws.String(k.ARN), GranteePrincipal: aws.String(someoneARN),
		Operations: []types.GrantOperation{types.GrantOperationSign}}); err != nil {
		t.Fatal(err)
	}
	report, err := c.CheckLivePolicy(t.Context(), k.ARN, RoleAuthority, "P-384", access)
	if err != nil {
		t.Fatal(err)
	}
	has(t, report.Findings, "everyone in account 111122223333 whose IAM policies allow it can sign (statement Enable IAM User Permissions trusts the account)",
		someoneARN+" holds the grant", serviceARN+" should sign")
	s.SetRules(local.Rules{Deny: []local.Deny{{Action: "ListGrants"}}})
	report, err = c.CheckLivePolicy(t.Context(), k.ARN, RoleAuthority, "P-384", access)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(report.Unseen, "\n"), "grants: ListGrants") {
		t.Errorf("unseen %q", report.Unseen)
	}
	s.SetRules(local.Rules{})
	document, err := KeyPolicy(RoleAuthority, "P-384", access)
	if err != nil {
		t.Fatal(err)
	}
	// the caller is not an administrator under it: KMS would lock it out.
	met(t, c.SetPolicy(t.Context(), k.ARN, document), fault.Device, "refuses the key policy", "administrator")
}

package main

import (
	"context"
	"maps"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/linnemanlabs/trustroot/kms/local"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// sdk is the AWS SDK as the present caller, for what trustroot never does.
func (d *desk) sdk() *kms.Client {
	d.t.Helper()
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		d.t.Fatal(err)
	}
	return kms.NewFromConfig(cfg)
}

// foreign makes a key that kms create would not make.
func (d *desk) foreign(in kms.CreateKeyInput) string {
	d.t.Helper()
	in.KeyUsage = types.KeyUsageTypeSignVerify
	out, err := d.sdk().CreateKey(d.t.Context(), &in)
	if err != nil {
		d.t.Fatal(err)
	}
	d.kms.Forget()
	return aws.ToString(out.KeyMetadata.Arn)
}

func TestKMSCreate_ShowsAsksAndRepeats(t *testing.T) {
	d := newDesk(t)
	d.operator.Refuse = "In KMS"
	_, _, code := d.run("kms", "create")
	if n := d.calls(); code != 3 || n["CreateKey"] != 0 {
		t.Errorf("a no: exit code %d, calls %v", code, n)
	}
	d.operator.Refuse, d.operator.Asked = "", nil
	first := d.ok("kms", "create")
	if len(d.operator.Asked) != 1 || !strings.Contains(d.operator.Asked[0].Text, "make a P-384 signing key for authorities/fulcio g1 as "+d.alias("authorities/fulcio")+", with KMS's default policy, which trusts the whole account") {
		t.Errorf("asked %+v", d.operator.Asked)
	}
	for _, line := range []string{"# authorities/fulcio g1\nkey: arn:aws:kms:", "# logs/rekor g1\n", "# tuf/online_key g1\n", "\nspki_sha256: "} {
		if !strings.Contains(first, line) {
			t.Errorf("no %q in the plan's lines\n%s", line, first)
		}
	}
	if n := d.calls(); n["CreateKey"] != 5 || n["CreateAlias"] != 5 {
		t.Errorf("first run: calls %v", n)
	}
	// a second run makes nothing and asks nothing
	d.operator.Asked = nil
	if second := d.ok("kms", "create"); second != first {
		t.Errorf("second run printed\n%swant\n%s", second, first)
	}
	if n := d.calls(); n["CreateKey"] != 0 || n["CreateAlias"] != 0 || len(d.operator.Asked) != 0 {
		t.Errorf("second run: calls %v, asked %v", n, d.operator.Asked)
	}
	// a second person's look at the plan that was made of it is the same
	d.create()
	if pins := d.ok("kms", "list", "--pin"); pins != first {
		t.Errorf("kms list --pin printed\n%swant\n%s", pins, first)
	}
	if _, errs, code := d.run("kms", "create"); code != 0 || !strings.Contains(errs, "nothing was made") {
		t.Errorf("with every key in the plan: %d %s", code, errs)
	}
}

func TestKMSCreate_CutInHalfIsCompleted(t *testing.T) {
	d := newDesk(t)
	for n := 3; n < 22; n += 4 { // the run ends at ever later calls
		d.kms.SetRules(local.Rules{Deny: []local.Deny{{Action: []string{"CreateAlias", "CreateKey"}[n/4%2]}}})
		d.fails(4, []string{"access denied", "the next run goes on from here"}, "kms", "create")
	}
	d.kms.SetRules(local.Rules{CutEvery: 5, ThrottleEvery: 3})
	out := d.ok("kms", "create")
	if strings.Count(out, "key: arn:") != 5 {
		t.Errorf("not all keys:\n%s", out)
	}
	d.kms.SetRules(local.Rules{})
	if keys, err := d.sdk().ListKeys(t.Context(), &kms.ListKeysInput{}); err != nil || len(keys.Keys) != 5 {
		t.Errorf("%d keys in the account, %v", len(keys.Keys), err)
	}
}

func TestKMSCreate_InAnotherAccountWithPolicies(t *testing.T) {
	d := newDesk(t)
	d.as("OUTSIDE")
	d.fails(4, []string{"does not cross accounts", "--key-account-role"}, "kms", "create")
	d.calls()
	d.fails(2, []string{"add --admin " + keyAdmin, "nothing was made"}, "kms", "create", "--key-account-role", keyAdmin, "--admin", "arn:aws:iam::111122223333:role/other")
	d.fails(2, []string{`--signer "nobody=x" names no key of the plan`}, "kms", "create", "--key-account-role", keyAdmin, "--admin", keyAdmin, "--signer", "nobody=x")
	d.called(map[string]int{})
	d.operator.Asked = nil
	access := []string{"--key-account-role", keyAdmin, "--admin", keyAdmin, "--signer", "fulcio=" + fulcioID, "--requester", outside}
	_, errs, code := d.run(append([]string{"kms", "create"}, access...)...)
	if code != 0 || !strings.Contains(errs, "the key policy of authorities/fulcio g1:\n{") || !strings.Contains(errs, "AdministerButNotSign") {
		t.Fatalf("exit code %d\n%s", code, errs)
	}
	if asked := d.operator.Asked[0].Text; !strings.Contains(asked, "in account 111122223333, as "+keyAdmin) || !strings.Contains(asked, "with its own key policy") {
		t.Errorf("asked %s", asked)
	}
	d.create(access...)
	// the admin host asks for a certificate and lists, from its own account
	d.ok("kms", "csr")
	d.ok("kms", "export")
	d.ok("kms", "list")
	out := d.ok(append([]string{"kms", "policy", "--check"}, access...)...)
	if strings.Count(out, "as meant") != 5 || !strings.Contains(out, "unseen   IAM of account 444455556666") {
		t.Errorf("live policies:\n%s", out)
	}
	// with the aliases of the key account
	if out := d.ok("kms", "list", "--key-account-role", keyAdmin); !strings.Contains(out, "alias    "+d.alias("authorities/fulcio")) {
		t.Errorf("no aliases:\n%s", out)
	}
}

func TestKMSPolicy_PrintsEveryDocument(t *testing.T) {
	d := newDesk(t)
	d.fails(2, []string{"no administrator"}, "kms", "policy", "--key-account", "111122223333")
	d.create()
	access := []string{"--admin", keyAdmin, "--signer", "logs/rekor=arn:aws:iam::444455556666:role/rekor"}
	all := d.ok(append([]string{"kms", "policy"}, access...)...)
	for _, word := range []string{`"key_policy": {`, `"signer_policy": {`, `"reader_policy": {`, `"maker_policy": {`, `"kms:SigningAlgorithm": "ECDSA_SHA_256"`, "DeletionTakesThirtyDays"} {
		if !strings.Contains(all, word) {
			t.Errorf("no %s in\n%s", word, all)
		}
	}
	if one := d.ok(append([]string{"kms", "policy", "rekor", "--only", "key"}, access...)...); !strings.HasPrefix(one, "{\n  \"Version\"") || !strings.Contains(one, "role/rekor") {
		t.Errorf("bare document:\n%s", one)
	}
	d.fails(2, []string{"5 are meant"}, append([]string{"kms", "policy", "--only", "key"}, access...)...)
	d.fails(2, []string{"not a document"}, append([]string{"kms", "policy", "--only", "any"}, access...)...)
	d.fails(2, []string{"no key nobody"}, append([]string{"kms", "policy", "nobody"}, access...)...)
	d.fails(2, []string{"--admin"}, "kms", "policy", "--check")
}

func TestKMSPolicy_CheckNamesWhoCanSign(t *testing.T) {
	d := newDesk(t)
	d.create() // under the default policy, which trusts the account
	out, errs := d.fails(5, []string{
		"authorities/fulcio g1: everyone in account 111122223333 whose IAM policies allow it can sign",
		"authorities/fulcio g1: " + fulcioID + " should sign and the key policy does not let it",
	}, "kms", "policy", "fulcio", "--check", "--admin", keyAdmin, "--signer", "fulcio="+fulcioID)
	if !strings.Contains(out, "unseen   IAM of account 111122223333") || strings.Contains(errs, "rekor") {
		t.Errorf("got\n%s%s", out, errs)
	}
	if _, err := d.sdk().CreateGrant(t.Context(), &kms.CreateGrantInput{
		KeyId: aws.String(d.plan.Logs["rekor"].Generations[0].Key), GranteePrincipal: aws.String("arn:aws:iam::111122223333:user/mallory"),
		Operations: []types.GrantOperation{types.GrantOperationSign},
	}); err != nil {
		t.Fatal(err)
	}
	d.fails(5, []string{"user/mallory holds the grant"}, "kms", "policy", "rekor", "--check", "--admin", keyAdmin)
	// what may not be read is said, not taken for nothing
	d.kms.SetRules(local.Rules{Deny: []local.Deny{{Action: "ListGrants"}}})
	out, _ = d.fails(5, nil, "kms", "policy", "rekor", "--check", "--admin", keyAdmin)
	if !strings.Contains(out, "unseen   grants: ListGrants") {
		t.Errorf("unread grants:\n%s", out)
	}
	d.kms.SetRules(local.Rules{Deny: []local.Deny{{Action: "GetKeyPolicy"}}})
	out, _ = d.fails(4, []string{"access denied"}, "kms", "policy", "rekor", "--check", "--admin", keyAdmin)
	if !strings.Contains(out, "NOT READ") {
		t.Errorf("unread policy:\n%s", out)
	}
}

func TestKMSList_EveryDeviation(t *testing.T) {
	d := newDesk(t)
	d.create()
	d.calls()
	if out := d.ok("kms", "list"); strings.Count(out, "  as planned\n") != 5 || !strings.Contains(out, "ECC_NIST_P384, SIGN_VERIFY, AWS_KMS, single region, Enabled") {
		t.Errorf("as planned:\n%s", out)
	}
	d.called(map[string]int{"DescribeKey": 5, "GetPublicKey": 5})

	online, fulcio := d.plan.TUF.OnlineKey.Key, d.plan.Authorities["fulcio"].Generations[0].Key
	if _, err := d.sdk().DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: aws.String(online)}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.sdk().ScheduleKeyDeletion(t.Context(), &kms.ScheduleKeyDeletionInput{KeyId: aws.String(fulcio), PendingWindowInDays: aws.Int32(30)}); err != nil {
		t.Fatal(err)
	}
	key := func(log, arn string) { d.plan.Logs[log].Generations[0].Key = arn }
	key("rekor", d.foreign(kms.CreateKeyInput{KeySpec: types.KeySpecEccNistP384}))
	key("tesseract", d.foreign(kms.CreateKeyInput{KeySpec: types.KeySpecEccNistEdwards25519}))
	tsa := d.foreign(kms.CreateKeyInput{KeySpec: types.KeySpecEccNistP384, Origin: types.OriginTypeExternal})
	d.plan.Authorities["tsa"].Generations[0].Key = tsa
	d.save()
	out, _ := d.fails(5, []string{
		"logs/rekor g1: an ECDSA key on P-384 is not accepted as a checkpoint key", "cosign would accept the checkpoint and sigstore-js reject it",
		"logs/tesseract g1: an Ed25519 key is not accepted as a checkpoint key", "Rekor then fails at its first checkpoint",
		"authorities/fulcio g1: the key is PendingDeletion, to be deleted on",
		"authorities/tsa g1: origin is EXTERNAL, not AWS_KMS",
		"tuf/online_key g1: the key is Disabled",
		"authorities/tsa g1: the public key's SPKI SHA-256 is",
	}, "kms", "list")
	if strings.Count(out, "  DEVIATES\n") != 5 {
		t.Errorf("verdicts:\n%s", out)
	}
	if _, errs, code := d.run("--json", "kms", "list"); code != 5 || errs == "" {
		t.Errorf("--json: exit code %d", code)
	}
}

func TestKMSList_MultiRegionAndShared(t *testing.T) {
	// a plan refuses both already, so that its reader is asked first
	d := newDesk(t)
	d.create()
	multi := d.foreign(kms.CreateKeyInput{KeySpec: types.KeySpecEccNistP256, MultiRegion: aws.Bool(true)})
	d.plan.Logs["rekor"].Generations[0].Key = multi
	d.save()
	d.fails(2, []string{"multi-region"}, "kms", "list")
	d.plan.Logs["rekor"].Generations[0] = d.plan.Logs["tesseract"].Generations[0]
	d.save()
	d.fails(2, []string{"one key never serves two"}, "kms", "list")
}

func TestKMSList_KeysThatAreNotPlannedYet(t *testing.T) {
	d := newDesk(t)
	if out := d.ok("kms", "list"); strings.Count(out, "the plan names no key yet") != 5 {
		t.Errorf("got\n%s", out)
	}
	if out := d.ok("kms", "list", "--pin"); strings.Contains(out, "key:") || strings.Count(out, "\n# ") != 4 {
		t.Errorf("got\n%s", out)
	}
}

func TestKMS_ErrorsPeopleMeet(t *testing.T) {
	d := newDesk(t)
	d.create()
	before := d.tree()
	commands := [][]string{{"kms", "list"}, {"kms", "csr"}, {"kms", "export"}}
	each := func(code int, words ...string) {
		t.Helper()
		for _, args := range commands {
			_, errs := d.fails(code, words, args...)
			for line := range strings.Lines(errs) {
				if strings.HasPrefix(line, "trustroot: error: ") || strings.HasPrefix(line, "trustroot: hint: ") {
					continue
				}
				if strings.Contains(line, "KMS: ") || strings.Contains(line, "nothing is written") || strings.Contains(line, "STS does not say") {
					continue // progress
				}
				t.Errorf("%v: a stray line %q", args, line)
			}
		}
	}
	d.as("EXPIRED")
	each(4, "have expired", "aws sso login")
	d.as("STRANGER")
	each(4, "does not accept the credentials", "AWS_PROFILE")
	d.as("OUTSIDE") // another account, which the key policies do not name
	each(4, "access denied", "kms:DescribeKey on resource: arn:aws:kms:", "the key policy lacks a statement that allows kms:DescribeKey")
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	each(4, "no AWS credentials", "set AWS_PROFILE")
	d.as(local.AccessKeyID)
	d.kms.SetRules(local.Rules{ThrottleEvery: 1})
	t.Setenv("AWS_MAX_ATTEMPTS", "2")
	each(4, "throttled; attempt 2 of 2", "throttled, and still after every retry", "wait a minute")
	d.kms.SetRules(local.Rules{CutEvery: 1})
	each(4, "no answer from KMS", "AWS_ENDPOINT_URL_KMS")
	d.kms.SetRules(local.Rules{})
	if !maps.Equal(before, d.tree()) {
		t.Error("a failed command wrote something")
	}
}

func TestKMS_DisabledKey(t *testing.T) {
	d := newDesk(t)
	d.create()
	for _, arn := range []string{d.plan.Authorities["fulcio"].Generations[0].Key, d.plan.Logs["rekor"].Generations[0].Key} {
		if _, err := d.sdk().DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: aws.String(arn)}); err != nil {
			t.Fatal(err)
		}
	}
	before := d.tree()
	d.fails(4, []string{"the key is disabled", "enable it again"}, "kms", "csr")
	d.fails(4, []string{"the key is disabled", "enable it again"}, "kms", "export")
	if !maps.Equal(before, d.tree()) {
		t.Error("a failed command wrote something")
	}
}

// twentyAuthorities gives the plan 18 more time-stamping authorities.
func (d *desk) twentyAuthorities() {
	d.t.Helper()
	for n := 'a'; n < 'a'+18; n++ {
		a := d.plan.Authorities["tsa"]
		a.Subject.CommonName += " " + strings.ToUpper(string(n))
		a.URL = "https://tsa-" + string(n) + ".example.com/api/v1/timestamp"
		a.Generations = []plan.Generation{{Generation: 1, Ceremony: "founding"}}
		d.plan.Authorities["tsa-"+string(n)] = a
	}
	d.save()
}

func TestKMSPolicy_SetReplacesWhatDiffers(t *testing.T) {
	d := newDesk(t)
	d.create() // under the default policy, which trusts the account
	d.calls()
	admin := "arn:aws:iam::111122223333:user/rehearsal" // who asks here
	access := []string{"--admin", admin, "--signer", "fulcio=" + fulcioID, "--requester", outside}
	set := append([]string{"kms", "policy", "fulcio", "rekor", "--set"}, access...)
	d.operator.Refuse = "will be replaced"
	if _, errs, code := d.run(set...); code != 3 || d.calls()["PutKeyPolicy"] != 0 || !strings.Contains(errs, "authorities/fulcio g1: everyone in account 111122223333") {
		t.Errorf("a no: exit code %d\n%s", code, errs)
	}
	d.operator.Refuse = ""
	if out := d.ok(set...); strings.Count(out, "policy replaced") != 2 || d.calls()["PutKeyPolicy"] != 2 {
		t.Errorf("got\n%s", out)
	}
	if out := d.ok(append([]string{"kms", "policy", "fulcio", "rekor", "--check"}, access...)...); strings.Count(out, "as meant") != 2 {
		t.Errorf("afterwards:\n%s", out)
	}
	// once more: nothing to do, nothing asked
	d.operator.Asked = nil
	if _, errs, code := d.run(set...); code != 0 || len(d.operator.Asked) != 0 || !strings.Contains(errs, "none was changed") {
		t.Errorf("again: exit code %d\n%s", code, errs)
	}
	// one that would lock its setter out is refused by KMS
	d.fails(4, []string{"tsa g1: ", "KMS refuses the key policy", "0 of 1 policies were replaced"},
		"kms", "policy", "tsa", "--set", "--admin", keyAdmin)
	d.fails(2, []string{"exclude each other"}, "kms", "policy", "--set", "--check", "--admin", keyAdmin)
	d.fails(2, []string{"--admin"}, "kms", "policy", "--set")
}

func TestKMSCreate_WrongAccount(t *testing.T) {
	d := newDesk(t)
	d.create()
	d.plan.Logs["rekor"].Generations[0].Key, d.plan.Logs["rekor"].Generations[0].SPKISHA256 = "", ""
	d.save()
	d.as("OUTSIDE")
	d.operator.Asked = nil
	d.fails(2, []string{"wrong account: the plan's other keys are in 111122223333, " + outside + " is in 444455556666; nothing was made", "--key-account-role"}, "kms", "create")
	if n := d.calls(); n["CreateKey"] != 5 || len(d.operator.Asked) != 0 {
		t.Errorf("calls %v, asked %v", n, d.operator.Asked)
	}
	d.ok("kms", "create", "--key-account-role", keyAdmin)
}

// TestKMS_PlanSaysWhoMayUseTheKeys makes keys by the plan's kms section, and
// wants no certification request of a key that a stranger was let use since.
func TestKMS_PlanSaysWhoMayUseTheKeys(t *testing.T) {
	d := newDesk(t)
	d.plan.KMS = &plan.KMS{
		AliasPrefix: "example/prod", Role: keyAdmin, Admins: []string{keyAdmin}, Signers: []string{"fulcio=" + fulcioID}, Requesters: []string{outside},
	}
	d.save()
	d.as("OUTSIDE")
	d.create()
	if asked := d.operator.Asked[0].Text; !strings.Contains(asked, "as alias/example/prod/authorities/fulcio/g1, with its own key policy") {
		t.Errorf("asked %s", asked)
	}
	if out := d.ok("kms", "policy", "--check"); strings.Count(out, "as meant") != 5 {
		t.Errorf("live policies:\n%s", out)
	}
	d.ok("kms", "csr", "tsa")
	d.ok("kms", "policy", "fulcio", "--set", "--signer", "fulcio=arn:aws:iam::666677778888:role/mallory")
	before := d.tree()
	words := []string{"authorities/fulcio g1: arn:aws:iam::666677778888:role/mallory can sign", "nothing was written"}
	d.fails(5, words, "kms", "csr")
	d.fails(5, words, "request", "create", "--out", t.TempDir())
	if !maps.Equal(before, d.tree()) {
		t.Error("something was written")
	}
	d.ok("kms", "policy", "fulcio", "--set")
	d.kms.SetRules(local.Rules{Deny: []local.Deny{{Action: "GetKeyPolicy"}}})
	if _, errs, code := d.run("kms", "csr"); code != 0 || !strings.Contains(errs, "authorities/fulcio g1: its key policy was not checked") {
		t.Errorf("a policy that may not be read: exit code %d\n%s", code, errs)
	}
}

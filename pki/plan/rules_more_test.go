package plan

import (
	"strings"
	"testing"
)

func TestRules_Nesting(t *testing.T) {
	wantOne(t, "    validity: 3y\n", "    validity: 11y\n", "authorities.tsa.validity", "after its issuer root, which ends at 2036-04-27T23:59:59Z")
	wantOne(t, "    validity: 3y\n", "    validity: 8y\n", "authorities.tsa.validity", "would end at 2036-04-29T23:59:59Z") // the second generation only
	wantOne(t, "not_after: 2030-01-01T00:00:00Z", "not_after: 2036-04-28T00:00:01Z", "authorities.fulcio.generations[1].not_after", "after its issuer")
	wantOne(t, "not_after: 2030-01-01T00:00:00Z", "not_after: 2028-04-30T00:00:00Z", "authorities.fulcio.generations[1].not_after", "is not after the ceremony's")
	got := problemsOf(t, edit(t, full(t), "      - generation: 1\n        ceremony: 2026-first\n  fulcio", "      - generation: 1\n        ceremony: 2028-renewal\n  fulcio"))
	if len(got) != 3 || got[0].Field != "authorities.fulcio.generations[0].ceremony" || !strings.Contains(got[0].Reason, "before any certificate of its issuer") {
		t.Errorf("three certificates are issued before the root's: %v", got)
	}
}

// Without ceremonies the durations are compared.
func TestRules_NestingWithoutCeremonies(t *testing.T) {
	plan := full(t)
	from, to := strings.Index(plan, "ceremonies:\n"), strings.Index(plan, "exceptions:\n")
	plan = plan[:from] + plan[to:]
	for _, name := range []string{"2026-first", "2028-renewal"} {
		plan = strings.ReplaceAll(plan, "        ceremony: "+name+"\n", "")
	}
	if got := problemsOf(t, plan); got != nil {
		t.Fatalf("got %v", got)
	}
	got := problemsOf(t, edit(t, plan, "    validity: 3y\n", "    validity: 10y\n"))
	if len(got) != 1 || got[0].Field != "authorities.tsa.validity" || !strings.Contains(got[0].Reason, "longer than the 3650d") {
		t.Errorf("got %v", got)
	}
}

func TestRules_NamesThatCommandsTake(t *testing.T) {
	wantOne(t, "  rekor:\n", "  tuf:\n", "logs.tuf", "choose another name")
	wantOne(t, "  rekor:\n", "  all:\n", "logs.all", "choose another name")
}

func TestRules_Holders(t *testing.T) {
	wantOne(t, `slot: "82"`, "slot: 9c", "holders.second.slot", "signs certificates and CRLs")
	wantOne(t, `slot: "82"`, "slot: f9", "holders.second.slot", "attestation key")
	wantOne(t, `slot: "82"`, `slot: "96"`, "holders.second.slot", "not a PIV slot")
	wantOne(t, `slot: "82"`, `slot: 8g`, "holders.second.slot", "not a PIV slot")
	wantOne(t, `slot: "82"`, `slot: 82`, "holders.second.slot", "put it in quotes")
	wantOne(t, "token: 22222222", "token: 11111111", "holders.second.token", "two people on one token")
	wantOne(t, "token: 22222222", "token: 0", "holders.second.token", "serial number")
	wantOne(t, "token: 22222222", "token: 4294967296", "holders.second.token", "whole number")
	wantOne(t, "token: 11111111", "token: 33333333", "holders.first.token", "root's token of the ceremony 2026-first")
}

func TestRules_TUF(t *testing.T) {
	const root = "  root:\n    holders: [first, second]\n    threshold: 2\n"
	wantOne(t, root, "  root:\n    holders: [first, third]\n    threshold: 2\n", "tuf.root.holders[1]", "not among holders")
	wantOne(t, root, "  root:\n    holders: [first, first]\n    threshold: 2\n", "tuf.root.holders[1]", "second time")
	wantOne(t, root, "  root:\n    holders: [first, second]\n    threshold: 3\n", "tuf.root.threshold", "from 1 to 2")
	wantOne(t, root, "  root:\n    holders: [first, second]\n    threshold: 0\n", "tuf.root.threshold", "from 1 to 2")
	wantOne(t, root, "  root:\n    holders: []\n    threshold: 1\n", "tuf.root.holders", "name who signs")
	wantOne(t, "exceptions:\n  - name: tuf-single-holder\n    reason: targets change often, and root still needs two\n", "", "tuf.targets.threshold", "tuf-single-holder")
	wantOne(t, "resign: 6d", "resign: 7d", "tuf.timestamp.resign", "less than the expiry")
	wantOne(t, "resign: 6d", "resign: 0d", "tuf.timestamp.resign", "not a number of days")
	wantOne(t, "resign: 6d", "resign: 6h", "tuf.timestamp.resign", "197d")
	wantOne(t, "resign: 6d", "resign: 6", "tuf.timestamp.resign", "197d")
	wantOne(t, "key: arn:aws:kms:eu-central-1:111122223333:key/0f0f0f0f-0008-4000-8000-000000000008", "key: external", "tuf.online_key.key", "only an authority")
}

func TestRules_Ceremonies(t *testing.T) {
	const firmware = "firmware: 5.7.4"
	wantOne(t, "    day: 2026-05-01\n", "    day: 2026-05-32\n", "ceremonies.2026-first.day", "not a day")
	wantOne(t, "    not_before: 2028-04-30T00:00:00Z", "    not_before: 2028-05-02T00:00:00Z", "ceremonies.2028-renewal.not_before", "after the day")
	wantOne(t, firmware, "firmware: 5.4.3", "ceremonies.2026-first.firmware", "old-firmware")
	wantOne(t, firmware, "firmware: 5.7", "ceremonies.2026-first.firmware", "put it in quotes")
	wantOne(t, firmware, "firmware: five", "ceremonies.2026-first.firmware", "5.7.4")
	wantOne(t, "record_slot: 9a", "record_slot: 9c", "ceremonies.2026-first.record_slot", "signs certificates and CRLs")
	wantOne(t, "image_sha256: c2", "image_sha256: x2", "ceremonies.2026-first.image_sha256", "64 lower-case hex")
	wantOne(t, "binary_sha256: b1", "binary_sha256: x1", "ceremonies.2026-first.binary_sha256", "64 lower-case hex")
	wantOne(t, "[Operator One, Operator Two]", "[Operator One, Operator One]", "ceremonies.2026-first.operators[1]", "second time")
	wantOne(t, "[Operator One, Operator Two]", "[Operator One, \" \"]", "ceremonies.2026-first.operators[1]", "empty")
}

func TestRules_Exceptions(t *testing.T) {
	const reason = "    reason: targets change often, and root still needs two\n"
	wantOne(t, reason, "    reason: \"\"\n", "exceptions[0].reason", "empty")
	wantOne(t, reason, reason+"  - name: tuf-single-holder\n    reason: again\n", "exceptions[1].name", "second time")
	wantOne(t, reason, reason+"  - name: anything-goes\n    reason: again\n", "exceptions[1].name", "not one of")
	wantOne(t, "    threshold: 1\n", "    threshold: 2\n", "exceptions[0].name", "not needed")
	plan := edit(t, full(t), reason, reason+"  - name: old-firmware\n    reason: it is what there is\n")
	if got := problemsOf(t, edit(t, plan, "firmware: 5.7.4", "firmware: 5.4.3")); got != nil {
		t.Errorf("old firmware with its exception: %v", got)
	}
}

func TestRules_Rehearsal(t *testing.T) {
	block := "rehearsal:\n  attestation_roots: |\n" + block4(testRoot) + "version: 1"
	plan := edit(t, full(t), "version: 1", block)
	got := problemsOf(t, plan)
	if len(got) != 4 {
		t.Errorf("a rehearsal with four subjects that do not say so: %v", got)
	}
	plan = strings.ReplaceAll(plan, "      organization: example.com\n", "      organization: example.com REHEARSAL\n")
	if got := problemsOf(t, plan); got != nil {
		t.Errorf("got %v", got)
	}
	got = problemsOf(t, edit(t, plan, "-----END CERTIFICATE-----", "-----END OTHER-----"))
	if len(got) != 1 || got[0].Field != "rehearsal.attestation_roots" {
		t.Errorf("got %v", got)
	}
}

func block4(s string) string {
	return "    " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n    ") + "\n"
}

func TestPinned(t *testing.T) {
	p, err := Parse("pki.yaml", []byte(full(t)))
	if err != nil {
		t.Fatal(err)
	}
	err = p.Pinned()
	want := "logs.rekor.generations[1].key: missing\nlogs.rekor.generations[1].spki_sha256: missing"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	rekor := p.Logs["rekor"]
	rekor.Generations = rekor.Generations[:1]
	p.Logs["rekor"] = rekor
	if err := p.Pinned(); err != nil {
		t.Error(err)
	}
}

func TestRules_KMS(t *testing.T) {
	with := func(lines string) string {
		return "kms:\n  admins: [arn:aws:iam::111122223333:role/admin]\n" + lines + "exceptions:\n"
	}
	wantOne(t, "exceptions:\n", with("  alias_prefix: a//b\n"), "kms.alias_prefix", "not a prefix")
	wantOne(t, "exceptions:\n", with("  alias_prefix: aws/x\n"), "kms.alias_prefix", "not a prefix")
	wantOne(t, "exceptions:\n", with("  account: \"11\"\n"), "kms.account", "12 digits")
	wantOne(t, "exceptions:\n", with("  signers: [arn:aws:iam::111122223333:role/x]\n"), "kms.signers[0]", "NAME=arn:aws:iam")
	wantOne(t, "exceptions:\n", with("  auditors: [arn:aws:iam::111122223333:root]\n"), "kms.auditors[0]", "ARN of a role or user")
	wantOne(t, "exceptions:\n", "kms: {requesters: [\"arn:aws:iam::111122223333:role/x\"]}\nexceptions:\n", "kms.admins", "is empty")
}

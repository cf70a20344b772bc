package plan

import (
	"strings"
	"testing"
)

// wantOne makes one edit to the full plan and expects exactly one problem, at
// the field, for the reason, in the line that was written.
func wantOne(t *testing.T, old, replacement, field, why string) {
	t.Helper()
	plan := edit(t, full(t), old, replacement)
	got := problemsOf(t, plan)
	if len(got) != 1 || got[0].Field != field || !strings.Contains(got[0].Reason, why) {
		t.Errorf("%q:\ngot  %v\nwant %s: …%s…", replacement, got, field, why)
		return
	}
	if got[0].Line < 1 || got[0].Line > strings.Count(plan, "\n") || got[0].Column < 1 {
		t.Errorf("%q: the place is %d:%d", replacement, got[0].Line, got[0].Column)
	}
}

const (
	rekorKey = "    origin: rekor.example.com\n"
	tsaURL   = "https://tsa.example.com/api/v1/timestamp"
)

func TestRules_Document(t *testing.T) {
	wantOne(t, "version: 1", "version: 2", "version", "write 1")
	wantOne(t, "organization: example.com\nauth", "auth", "organization", "missing")
	wantOne(t, "organization: example.com\nauth", "organization:\nauth", "organization", "no value")
	wantOne(t, "organization: example.com\nauth", "organization: 7\nauth", "organization", "put it in quotes")
	wantOne(t, "organization: example.com\nauth", "organization: [a]\nauth", "organization", "single value")
	wantOne(t, "organization: example.com\nauth", "organization: \"a\\e[2J\"\nauth", "organization", "unprintable")
	wantOne(t, "version: 1", "version: 1\nversion: 1", "version", "stands in line 2 already")
	wantOne(t, "version: 1", "version: 1\nversiom: 1", "versiom", "unknown field: write version")
	wantOne(t, "version: 1", "version: 1\nTUF: 1", "TUF", "unknown field: write tuf")
	wantOne(t, "version: 1", "version: 1\n\"a\\nb\": 1", `"a\nb"`, "unknown field: remove it")
	wantOne(t, "version: 1", "version: !!int 1", "version", "tags")
	wantOne(t, "version: 1", "version: &a 1", "version", "anchors")
	wantOne(t, "organization: example.com\nauth", "organization: &a example.com\nauth", "organization", "anchors")
	wantOne(t, "version: 1", "version: 0x1", "version", "not a whole number")
	wantOne(t, "version: 1", "version: 1\n7: x", "", "plain name")
	wantOne(t, "operators: [Operator One, Operator Two]", "operators: Operator One", "ceremonies.2026-first.operators", "must be a list")
	wantOne(t, "holders:\n  first:\n    token: 11111111\n    slot: 9a\n", "holders:\n  first: x\n", "holders.first", "mapping of fields")
}

func TestRules_MergeKey(t *testing.T) {
	got := problemsOf(t, edit(t, full(t), "version: 1", "version: 1\n<<: {organization: other}"))
	if len(got) != 1 || !strings.Contains(got[0].Reason, "merge keys") || got[0].Line != 3 {
		t.Errorf("got %v", got)
	}
}

func TestRules_Names(t *testing.T) {
	wantOne(t, "\n  spire:\n", "\n  Spire:\n", "authorities.Spire", "a name has at most")
	wantOne(t, "\n  spire:\n", "\n  spire-:\n", "authorities.spire-", "a name has at most")
	wantOne(t, "\n  spire:\n", "\n  \"../x\":\n", `authorities."../x"`, "a name has at most")
	wantOne(t, "\n  spire:\n", "\n  "+strings.Repeat("a", 64)+":\n", "authorities."+strings.Repeat("a", 64), "a name has at most")
	wantOne(t, "\n  deploy:\n", "\n  rekor:\n", "apps.rekor", "has this name too")
	wantOne(t, "\n  ct:\n", "\n  tsa:\n", "logs.tsa", "has this name too")
}

func TestRules_Root(t *testing.T) {
	wantOne(t, "    validity: 3650d\n    algorithm: P-384\n", "    validity: 3650d\n    algorithm: P-256\n", "authorities.root.algorithm", "P-384")
	wantOne(t, "    profile: root\n", "    profile: root\n    issuer: tsa\n", "authorities.root.issuer", "issues itself")
	wantOne(t, "    profile: root\n", "    profile: spiffe-ca\n", "authorities.root.profile", "has the profile root")
	wantOne(t, "    token:\n      slot: 9c\n      pin: always\n      touch: always\n", "", "authorities.root", "token is missing")
	wantOne(t, "slot: 9c", "slot: 9a", "authorities.root.token.slot", "9c")
	wantOne(t, "pin: always", "pin: never", "authorities.root.token.pin", "once and always")
	wantOne(t, "touch: always", "touch: sometimes", "authorities.root.token.touch", "cached")
	wantOne(t, "      - generation: 1\n        ceremony: 2026-first\n  fulcio", "      - generation: 1\n        ceremony: 2026-first\n        key: external\n  fulcio",
		"authorities.root.generations[0].key", "lives on its token")
	got := problemsOf(t, edit(t, full(t), "  root:\n    profile: root", "  boot:\n    profile: root"))
	if len(got) == 0 || got[0].Field != "authorities" || !strings.Contains(got[0].Reason, "no authority named root") {
		t.Errorf("got %v", got)
	}
}

func TestRules_Subordinate(t *testing.T) {
	wantOne(t, "    profile: spiffe-ca\n", "    profile: spife-ca\n", "authorities.spire.profile", "not one of")
	wantOne(t, "    profile: spiffe-ca\n", "    profile: spiffe-ca\n    token: {slot: 9c, pin: always, touch: always}\n", "authorities.spire.token", "only the root")
	wantOne(t, "    issuer: root\n", "    issuer: boot\n", "authorities.tsa.issuer", "not an authority of this plan")
	wantOne(t, "    issuer: root\n", "    issuer: fulcio\n", "authorities.tsa.issuer", "issued by the root")
	wantOne(t, "      common_name: Example TSA\n", "      common_name: Example Fulcio CA\n", "authorities.tsa.subject", "has the same subject")
	wantOne(t, "      common_name: Example TSA\n", "      common_name: "+strings.Repeat("x", 65)+"\n", "authorities.tsa.subject.common_name", "64")
	wantOne(t, "      encoding: printable\n", "      encoding: latin\n", "authorities.fulcio.subject.encoding", "printable")
	wantOne(t, "common_name: Example Fulcio CA", "common_name: Example Fulcio_CA", "authorities.fulcio.subject.common_name", "PrintableString")
	wantOne(t, "    validity: 3y\n", "    validity: 3\n", "authorities.tsa.validity", "10y")
	wantOne(t, "    validity: 3y\n", "    validity: 3m\n", "authorities.tsa.validity", "10y")
	wantOne(t, "      organization: example.com\n      common_name: Example TSA\n", "      organization: REHEARSAL example.com\n      common_name: Example TSA\n",
		"authorities.tsa.subject.organization", "no rehearsal block")
}

func TestRules_Settings(t *testing.T) {
	wantOne(t, "    profile: tsa\n", "    profile: tsa\n    path_len: 0\n", "authorities.tsa.path_len", "no path length")
	wantOne(t, "    profile: tsa\n", "    profile: tsa\n    ext_key_usage_critical: false\n", "authorities.tsa.ext_key_usage_critical", "must be true")
	wantOne(t, "    profile: root\n", "    profile: root\n    ext_key_usage_critical: true\n", "authorities.root.ext_key_usage_critical", "no extended key usage")
	wantOne(t, "    profile: tsa\n", "    profile: tsa\n    name_constraints: {permitted: {dns: [a.example]}}\n", "authorities.tsa.name_constraints", "only a CA")
	wantOne(t, "    profile: spiffe-ca\n", "    profile: spiffe-ca\n    name_constraints: {}\n", "authorities.spire.name_constraints", "constrains nothing")
	wantOne(t, "dns: [.example.com, .example.net]", "dns: [.example.com, \"*.example.net\"]", "authorities.fulcio.name_constraints.permitted.dns[1]", "not a DNS name")
	wantOne(t, "192.0.2.0/24", "192.0.2.1/24", "authorities.fulcio.name_constraints.excluded.ip[0]", "not a network")
	wantOne(t, "email: [root@example.com, example.net]", "email: [\"@\", example.net]", "authorities.fulcio.name_constraints.excluded.email[0]", "not a mailbox")
	wantOne(t, "uri: [.bad.example.com]", "uri: [\"https://bad\"]", "authorities.fulcio.name_constraints.excluded.uri[0]", "not a host")
	wantOne(t, "oid: 1.3.6.1.4.1.65302.1.1", "oid: 1.3.06", "authorities.root.policies[0].oid", "object identifier")
	wantOne(t, "cps: https://trust", "cps: http://trust", "authorities.root.policies[0].cps", "https://")
	wantOne(t, `uris: ["spiffe://example.com"]`, `uris: ["https://example.com"]`, "authorities.spire.uris[0]", "trust domain")
	wantOne(t, `crl_distribution: ["http:`, `crl_distribution: ["ldap:`, "authorities.fulcio.crl_distribution[0]", "not an http")
	wantOne(t, "    profile: root\n", "    profile: root\n    path_len: 3\n", "authorities.spire.path_len", "path length above 3")
	wantOne(t, "    path_len: 0\n", "    path_len: zero\n", "authorities.fulcio.path_len", "not a whole number")
	wantOne(t, "    ext_key_usage_critical: true\n", "    ext_key_usage_critical: yes\n", "authorities.fulcio.ext_key_usage_critical", "neither true nor false")
}

func TestRules_URLs(t *testing.T) {
	wantOne(t, tsaURL, "https://tsa.example.com", "authorities.tsa.url", "full endpoint")
	wantOne(t, tsaURL, "https://tsa.example.com/", "authorities.tsa.url", "full endpoint")
	wantOne(t, tsaURL, "http://tsa.example.com/api/v1/timestamp", "authorities.tsa.url", "https://")
	wantOne(t, tsaURL, "https://me@tsa.example.com/api", "authorities.tsa.url", "no user")
	wantOne(t, "https://fulcio.example.com", "https://fulcio.example.com/", "authorities.fulcio.url", "slash")
	wantOne(t, "https://fulcio.example.com", "fulcio.example.com", "authorities.fulcio.url", "not a URL")
	wantOne(t, "    profile: spiffe-ca\n", "    profile: spiffe-ca\n    url: https://x.example.com\n", "authorities.spire.url", "remove the field")
	wantOne(t, "https://tuf.example.com", "https://tuf.example.com?x", "tuf.url", "query")
	for _, host := range []string{"localhost", "127.0.0.1", "[::1]"} {
		if got := problemsOf(t, edit(t, full(t), tsaURL, "http://"+host+":3000/api/v1/timestamp")); got != nil {
			t.Errorf("loopback %s: %v", host, got)
		}
	}
}

func TestRules_Logs(t *testing.T) {
	for algorithm, why := range map[string]string{"P-384": "SHA-384", "Ed25519": "first checkpoint", "RSA-2048": "not an algorithm of checkpoints"} {
		wantOne(t, "    url: https://rekor.example.com:8443\n    algorithm: P-256\n", "    url: https://rekor.example.com:8443\n    algorithm: "+algorithm+"\n",
			"logs.rekor.algorithm", why)
	}
	wantOne(t, "kind: rekor-v2", "kind: rekor", "logs.rekor.kind", "rekor-v2 and static-ct")
	wantOne(t, rekorKey, "    origin: https://rekor.example.com\n", "logs.rekor.origin", "no scheme")
	wantOne(t, rekorKey, "    origin: rekor.example.com/\n", "logs.rekor.origin", "no slash")
	wantOne(t, rekorKey, "    origin: rekor.example.com:8443\n", "logs.rekor.origin", `must be "rekor.example.com"`)
	wantOne(t, rekorKey, "    origin: rekor example\n", "logs.rekor.origin", "no spaces")
	wantOne(t, "origin: ct.example.com/2026", "origin: rekor.example.com", "logs.rekor.origin", "log ct has the same origin")
	wantOne(t, "start: 2028-05-01T12:00:00Z", "start: 2026-05-01T12:00:00Z", "logs.rekor.generations[1].start", "is not after")
	wantOne(t, "start: 2028-05-01T12:00:00Z", "start: 2028-05-01", "logs.rekor.generations[1].start", "not a time")
	wantOne(t, "start: 2028-05-01T12:00:00Z", "ceremony: 2026-first", "logs.rekor.generations[1].ceremony", "only an authority")
	wantOne(t, "start: 2028-05-01T12:00:00Z", "not_after: 2028-05-01T12:00:00Z", "logs.rekor.generations[1].not_after", "only an authority")
	wantOne(t, "start: 2028-05-01T12:00:00Z", "key: external", "logs.rekor.generations[1].key", "only an authority")
}

func TestRules_Keys(t *testing.T) {
	const ct = "key: arn:aws:kms:eu-central-1:111122223333:key/0f0f0f0f-0006-4000-8000-000000000006"
	const ctAt = "logs.ct.generations[0]"
	wantOne(t, ct, "key: arn:aws:kms:eu-central-1:111122223333:alias/ct", ctAt+".key", "is an alias")
	wantOne(t, ct, "key: arn:aws:kms:eu-central-1:111122223333:key/mrk-1234", ctAt+".key", "multi-region")
	wantOne(t, ct, "key: 0f0f0f0f-0006-4000-8000-000000000006", ctAt+".key", "not a KMS key ARN")
	wantOne(t, ct, "key: arn:aws:kms:eu-central-1:111122223333:key/0f0f0f0f-0007-4000-8000-000000000007", "apps.deploy.generations[0].key", "serves logs.ct.generations[0] already")
	wantOne(t, strings.Repeat("6", 63), strings.Repeat("5", 63), "logs.rekor.generations[0].spki_sha256", "serves logs.ct.generations[0] already")
	wantOne(t, strings.Repeat("6", 63), strings.Repeat("8", 63), "tuf.online_key.spki_sha256", "serves logs.ct.generations[0] already")
	wantOne(t, strings.Repeat("6", 63), strings.Repeat("A", 63), ctAt+".spki_sha256", "64 lower-case hex")
	wantOne(t, strings.Repeat("6", 63), strings.Repeat("6", 62), ctAt+".spki_sha256", "64 lower-case hex")
	wantOne(t, "      - generation: 2\n        start", "      - generation: 3\n        start", "logs.rekor.generations[1].generation", "should be 2")
	wantOne(t, "generation: 2 # the same key again", "generation: 1", "authorities.tsa.generations[1].generation", "should be 2")
	wantOne(t, "    generation: 1\n", "    generation: 0\n", "tuf.online_key.generation", "from 1")
	wantOne(t, "ceremony: 2028-renewal\n        not_after", "ceremony: never\n        not_after", "authorities.fulcio.generations[1].ceremony", "not among ceremonies")
	wantOne(t, "        key: external\n", "        key: external\n        start: 2026-05-01T00:00:00Z\n", "authorities.spire.generations[0].start", "only a log")
	plan := full(t)
	from := strings.Index(plan, "      - generation: 1\n        key: arn:aws:kms:eu-central-1:111122223333:key/0f0f0f0f-0006")
	to := strings.Index(plan, "apps:\n")
	wantOne(t, "    generations:\n"+plan[from:to], "    generations: []\n", "logs.ct.generations", "first generation")
}

// A renewed authority may keep its key, if both lines say so.
func TestRules_SameKeyAgain(t *testing.T) {
	renewed := "        spki_sha256: a333333333333333333333333333333333333333333333333333333333333333\n        ceremony: 2028-renewal\n"
	wantOne(t, renewed, strings.Replace(renewed, "a3", "b3", 1), "authorities.tsa.generations[1].spki_sha256", "another digest for the same key")
	key := "key: arn:aws:kms:eu-central-1:111122223333:key/0f0f0f0f-0003-4000-8000-000000000003\n" + renewed
	wantOne(t, key, strings.Replace(key, "0003\n", "0033\n", 1), "authorities.tsa.generations[1].key", "another key for the same digest")
}

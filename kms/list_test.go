package kms

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/kms/local"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// missingPlan has one key of each kind, none made yet.
func missingPlan() *plan.Plan {
	one := []plan.Generation{{Generation: 1}}
	return &plan.Plan{
		Organization: "example.org",
		Authorities: map[string]plan.Authority{
			"root":   {Algorithm: "P-384", Token: &plan.TokenKey{Slot: "9c"}, Generations: one},
			"fulcio": {Algorithm: "P-384", Generations: one},
			"tsa":    {Algorithm: "P-384", Generations: one},
			"spire":  {Algorithm: "P-384", Generations: []plan.Generation{{Generation: 1, Key: "external"}}},
		},
		Logs: map[string]plan.Log{
			"rekor":     {Kind: plan.RekorV2, Algorithm: "P-256", Generations: one},
			"tesseract": {Kind: plan.StaticCT, Algorithm: "P-256", Generations: one},
		},
		Apps: map[string]plan.App{"images": {Algorithm: "P-384", Generations: one}},
		TUF:  &plan.TUF{},
	}
}

// pin puts keys that were made into the plan, as a reviewer would.
func pin(p *plan.Plan, rows ...Row) {
	for _, r := range rows {
		g := plan.Generation{Generation: r.Generation, Key: r.KeyARN, SPKISHA256: r.Found}
		switch r.Kind {
		case "authorities":
			p.Authorities[r.Name].Generations[r.Generation-1] = g
		case "logs":
			p.Logs[r.Name].Generations[r.Generation-1] = g
		case "apps":
			p.Apps[r.Name].Generations[r.Generation-1] = g
		case "tuf":
			p.TUF.OnlineKey = g
		}
	}
}

// made makes the missing keys of a plan and pins them.
func made(t *testing.T, c *Client, p *plan.Plan) []Made {
	t.Helper()
	steps, err := Missing(p, MissingOptions{})
	if err != nil {
		t.Fatal(err)
	}
	done, err := c.CreateMissing(t.Context(), steps)
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.Authorities { // each list its own array
		a := p.Authorities[i]
		a.Generations = append([]plan.Generation(nil), a.Generations...)
		p.Authorities[i] = a
	}
	for i := range p.Logs {
		l := p.Logs[i]
		l.Generations = append([]plan.Generation(nil), l.Generations...)
		p.Logs[i] = l
	}
	for i := range p.Apps {
		a := p.Apps[i]
		a.Generations = append([]plan.Generation(nil), a.Generations...)
		p.Apps[i] = a
	}
	for _, m := range done {
		pin(p, m.Row)
	}
	return done
}

func TestCreateMissing_ThenList(t *testing.T) {
	s := world(t, local.Options{})
	c := client(t, Options{})
	p := missingPlan()
	again := missingPlan()
	steps, err := Missing(p, MissingOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(steps) != 6 || len(s.Calls()) != 0 {
		t.Fatalf("%d steps after %d calls", len(steps), len(s.Calls()))
	}
	if want := "make a P-256 signing key for logs/rekor g1 as alias/trustroot/logs/rekor/g1"; !strings.HasPrefix(steps[2].String(), want) {
		t.Errorf("step %q", steps[2])
	}
	first := made(t, c, p)
	for _, m := range first {
		if !m.New {
			t.Errorf("%s was there already", m.Planned)
		}
	}
	if left, err := Missing(p, MissingOptions{}); err != nil || len(left) != 0 {
		t.Errorf("still missing %v (%v)", left, err)
	}
	count(s)
	for i, m := range made(t, c, again) {
		if m.New || m.KeyARN != first[i].KeyARN {
			t.Errorf("the second run gave %+v", m)
		}
	}
	if n := count(s); n["CreateKey"] != 0 || n["CreateAlias"] != 0 || n["ListKeys"] != 0 {
		t.Errorf("the second run made the calls %v", n)
	}
	rows, err := c.List(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if n := count(s); n["DescribeKey"] != 6 || n["GetPublicKey"] != 6 || total(n) != 12 {
		t.Errorf("6 keys were listed with the calls %v", n)
	}
	for _, row := range rows {
		if !strings.Contains(row.Pin(), "key: "+row.ARN+"\nspki_sha256: "+row.SPKISHA256+"\n") {
			t.Errorf("pin %q", row.Pin())
		}
	}
}

func TestCreateMissing_CompletesARunCutInHalf(t *testing.T) {
	s := world(t, local.Options{})
	c := client(t, Options{})
	p := missingPlan()
	steps, err := Missing(p, MissingOptions{})
	if err != nil {
		t.Fatal(err)
	}
	half, err := c.CreateMissing(t.Context(), steps[:3])
	if err != nil {
		t.Fatal(err)
	}
	s.SetRules(local.Rules{Deny: []local.Deny{{Action: "CreateAlias"}}})
	stopped, err := c.CreateMissing(t.Context(), steps)
	if err == nil || len(stopped) != 3 || !strings.Contains(err.Error(), "3 of 6 keys are there") {
		t.Fatalf("%d keys and %v", len(stopped), err)
	}
	s.SetRules(local.Rules{})
	count(s)
	whole, err := c.CreateMissing(t.Context(), steps)
	if err != nil {
		t.Fatal(err)
	}
	if n := count(s); n["CreateKey"] != 2 || n["CreateAlias"] != 3 {
		t.Errorf("the last run made the calls %v", n)
	}
	if len(whole) != 6 || whole[0].KeyARN != half[0].KeyARN {
		t.Errorf("%+v", whole)
	}
}

func TestCreateMissing_ThrottledAndTorn(t *testing.T) {
	s := world(t, local.Options{})
	c := client(t, Options{MaxBackoff: time.Millisecond})
	p := missingPlan()
	p.Apps = map[string]plan.App{}
	for _, name := range strings.Fields("a b c d e f g h i j k l m n o") {
		p.Apps[name] = plan.App{Algorithm: "P-384", Generations: []plan.Generation{{Generation: 1}}}
	}
	steps, err := Missing(p, MissingOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.SetRules(local.Rules{ThrottleEvery: 2, CutEvery: 5})
	// a CreateKey that was throttled and whose answer was torn looks like one
	// that was carried out: the run ends, and the next one goes on.
	for runs := 1; ; runs++ {
		done, err := c.CreateMissing(t.Context(), steps)
		if err == nil && len(done) == 20 {
			break
		}
		if !strings.Contains(err.Error(), "was lost") || runs == 20 {
			t.Fatalf("run %d: %v", runs, err)
		}
	}
	made(t, c, p)
	if _, err := c.List(t.Context(), p); err != nil {
		t.Error(err)
	}
	s.SetRules(local.Rules{})
	keys, err := c.owner.ListKeys(t.Context(), &kms.ListKeysInput{})
	if err != nil || len(keys.Keys) != 20 {
		t.Errorf("%d keys exist (%v)", len(keys.Keys), err)
	}
}

func TestList_Deviations(t *testing.T) {
	world(t, local.Options{})
	c := client(t, Options{})
	p := missingPlan()
	sdk := sdk(t, c.options)
	good := made(t, c, p)
	by := map[string]Row{}
	for _, m := range good {
		by[m.Name] = m.Row
	}
	set := func(r Row, arn, spki string) {
		r.KeyARN, r.Found = arn, spki
		pin(p, r)
	}
	if _, err := sdk.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: aws.String(by["fulcio"].KeyARN)}); err != nil {
		t.Fatal(err)
	}
	if _, err := sdk.ScheduleKeyDeletion(t.Context(), &kms.ScheduleKeyDeletionInput{KeyId: aws.String(by["tsa"].KeyARN)}); err != nil {
		t.Fatal(err)
	}
	set(by["rekor"], raw(t, c, kms.CreateKeyInput{KeySpec: types.KeySpecEccNistP384, MultiRegion: aws.Bool(true)}), "")
	set(by["tesseract"], raw(t, c, kms.CreateKeyInput{KeySpec: types.KeySpecEccNistEdwards25519, Origin: types.OriginTypeExternal}), "")
	set(by["images"], "alias/trustroot/apps/images/g1", strings.Repeat("0", 64))
	set(by["online_key"], raw(t, c, kms.CreateKeyInput{KeySpec: types.KeySpecEccNistP384}), "")
	rows, err := c.List(t.Context(), p)
	if fault.ExitCode(err) != int(fault.Verification) || len(rows) != 6 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for name, reasons := range map[string][]string{
		"authorities/fulcio g1": {"the key is Disabled"},
		"authorities/tsa g1":    {"the key is PendingDeletion, to be deleted on"},
		"logs/rekor g1":         {"the key is P-384, the plan says P-256", "multi-region", "sigstore-js reject"},
		"logs/tesseract g1":     {"the key is Ed25519, the plan says P-256", "origin is EXTERNAL", "Fulcio refuses a CT log key other than P-256", "unsupported hash algorithm"},
		"apps/images g1":        {"can be repointed", "the plan pins 0000"},
		"tuf/online_key g1":     {"tough cannot parse them"},
	} {
		for _, row := range rows {
			if row.String() != name {
				continue
			}
			text := strings.Join(row.Problems, "\n")
			for _, reason := range reasons {
				if !strings.Contains(text, reason) || !strings.Contains(err.Error(), reason) {
					t.Errorf("%s lacks %q: %q", name, reason, text)
				}
			}
		}
	}
}

func TestList_OneKeyForTwoLogs(t *testing.T) {
	world(t, local.Options{})
	c := client(t, Options{})
	p := missingPlan()
	for _, m := range made(t, c, p) {
		if m.Name == "rekor" {
			m.Name = "tesseract"
			pin(p, m.Row)
		}
	}
	rows, err := c.List(t.Context(), p)
	if err == nil || strings.Count(err.Error(), "have the same log ID") != 2 {
		t.Errorf("%v", err)
	}
	for _, row := range rows {
		if row.Kind != "logs" && len(row.Problems) > 0 {
			t.Errorf("%s: %q", row.Planned, row.Problems)
		}
	}
}

func TestList_OneDeniedOthersReported(t *testing.T) {
	s := world(t, local.Options{})
	c := client(t, Options{})
	p := missingPlan()
	denied := made(t, c, p)[0]
	s.SetRules(local.Rules{Deny: []local.Deny{{Key: denied.KeyARN}}})
	rows, err := c.List(t.Context(), p)
	if fault.ExitCode(err) != int(fault.Device) || !strings.Contains(err.Error(), "authorities/fulcio g1: DescribeKey "+denied.KeyARN+": access denied") {
		t.Fatalf("%v", err)
	}
	for i, row := range rows {
		if (row.Unreachable != "") != (i == 0) || i > 0 && row.Found == "" {
			t.Errorf("row %d: %+v", i, row)
		}
	}
}

// A key whose ARN nobody knows is asked of nobody, and stands in no list of
// keys that could be made.
func TestKeys_UnknownOnesAreNotLookedAt(t *testing.T) {
	p := missingPlan()
	p.Logs["rekor"] = plan.Log{Kind: plan.RekorV2, Algorithm: "P-256", Generations: []plan.Generation{{Generation: 1, Key: plan.KeyUnknown, SPKISHA256: "aa"}}}
	for _, k := range Keys(p) {
		if k.Name == "rekor" {
			t.Errorf("listed: %s", k)
		}
	}
	if unknown := Unknown(p); len(unknown) != 1 || unknown[0].String() != "logs/rekor g1" {
		t.Errorf("unknown are %v", unknown)
	}
	steps, err := Missing(p, MissingOptions{})
	for _, s := range steps {
		if s.Name == "rekor" {
			t.Errorf("would be made: %s", s)
		}
	}
	if err != nil {
		t.Error(err)
	}
}

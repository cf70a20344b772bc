package next_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/next"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

var now = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func of(t *testing.T, dir string) *next.List {
	t.Helper()
	l, err := next.Of(t.Context(), dir, now)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// opens wants the first open step to have a command with these words.
func opens(t *testing.T, dir, who, words string) *next.List {
	t.Helper()
	l := of(t, dir)
	s, n := l.Open()
	if s == nil {
		t.Fatalf("nothing waits (%s), want %s", l.Quiet, words)
	}
	if s.Who != who || len(s.Commands) == 0 || !strings.Contains(s.Commands[0], words) {
		t.Fatalf("step %d of %s: %s: %s %q, want %s: %s", n, l.Title, s.Who, s.What, s.Commands, who, words)
	}
	return l
}

func write(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func savePlan(t *testing.T, dir string, e plan.Example) {
	t.Helper()
	text, err := e.Render()
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, trustdir.PlanFile, text)
}

func example() plan.Example {
	return plan.Example{
		Organization: "example.com", Name: "Example", Domain: "example.com", NotBefore: now.Truncate(24 * time.Hour), Token: 10000001,
		Holders:   []plan.ExampleHolder{{Name: "first", Token: 20000001}, {Name: "second", Token: 20000002}, {Name: "third", Token: 20000003}},
		Threshold: 2, App: "deploy",
	}
}

// The founding up to the request, which needs no token and no KMS.
func TestOf_FoundingInItsOrder(t *testing.T) {
	dir := t.TempDir()
	opens(t, dir, next.Administrator, " init")

	e := example()
	e.Token = 0
	savePlan(t, dir, e)
	opens(t, dir, next.Administrator, "plan check")

	savePlan(t, dir, example())
	opens(t, dir, next.Administrator, " init")

	if _, err := trustdir.Init(dir, "", "", now); err != nil {
		t.Fatal(err)
	}
	l := opens(t, dir, next.Administrator, "kms create")
	if s, _ := l.Open(); s.Larger != "trustroot --dir "+dir+" prepare" {
		t.Errorf("the larger step is %q", s.Larger)
	}
	whole := len(l.Steps)
	if l.Title != "founding" {
		t.Errorf("title %q", l.Title)
	}

	e = example()
	e.Keys = map[string]plan.Pin{}
	text, err := e.Render()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"fulcio", "tsa", "rekor", "tesseract", "deploy", plan.OnlineKey} {
		in, err := plan.PinKey(text, name, 1, plan.Pin{ARN: "arn:aws:kms:eu-west-1:111122223333:key/" + strings.Repeat("0", 8) + "-0000-4000-8000-" + fmt.Sprintf("%012d", len(text))})
		if err != nil {
			t.Fatal(err)
		}
		text = in.Apply(text)
	}
	write(t, dir, trustdir.PlanFile, text)
	opens(t, dir, next.Administrator, "tuf invite first")
	for _, h := range example().Holders {
		write(t, dir, "holders/"+h.Name+"/challenge.json", []byte("{}"))
	}
	opens(t, dir, next.SecondPerson, "kms list --pin --write")

	for i, name := range []string{"fulcio", "tsa", "rekor", "tesseract", "deploy", "online_key"} {
		digit := string(rune('1' + i))
		e.Keys[name] = plan.Pin{
			ARN:        "arn:aws:kms:eu-west-1:111122223333:key/0000000" + digit + "-0000-4000-8000-000000000000",
			SPKISHA256: strings.Repeat(digit, 64),
		}
	}
	savePlan(t, dir, e)
	if s, _ := opens(t, dir, next.Holder, "tuf join first.md --serial 20000001").Open(); !s.Elsewhere {
		t.Error("a holder's reply is not waited for elsewhere")
	}
	for _, h := range example().Holders {
		write(t, dir, "holders/"+h.Name+"/key.pem", []byte("key"))
		if err := os.Remove(filepath.Join(dir, "holders", h.Name, "challenge.json")); err != nil {
			t.Fatal(err)
		}
	}
	if s, _ := opens(t, dir, next.Administrator, "kms csr").Open(); s.Larger != "trustroot --dir "+dir+" prepare --out STICK" {
		t.Errorf("the larger step is %q", s.Larger)
	}
	for _, name := range []string{"authorities/fulcio/g1/request.csr", "authorities/tsa/g1/request.csr"} {
		write(t, dir, name, []byte("request"))
	}
	opens(t, dir, next.Administrator, "kms export")
	for _, name := range []string{"logs/rekor/g1/key.pem", "logs/tesseract/g1/key.pem"} {
		write(t, dir, name, []byte("key"))
	}
	opens(t, dir, next.Administrator, "kms export") // the application is not in the ledger
	d, err := trustdir.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Append(now, ledger.Entry{App: &ledger.App{
		Name: "deploy", Generation: 1, SPKISHA256: strings.Repeat("5", 64), File: trustdir.FileOf("apps/deploy/g1/key.pem", nil),
	}}); err != nil {
		t.Fatal(err)
	}
	opens(t, dir, next.Administrator, "log add rekor")
	pinned := e
	pinned.ImageSHA256 = strings.Repeat("ab", 32)
	savePlan(t, dir, pinned)
	told, asked := false, false
	for _, s := range of(t, dir).Steps {
		told = told || s.Elsewhere && strings.Contains(s.What, "read the digest of the stick with the ceremony image") && strings.Contains(s.What, "abab abab")
		asked = asked || len(s.Commands) > 0 && strings.Contains(s.Commands[0], "request create --ceremony founding --image ")
	}
	if !told || !asked {
		t.Errorf("a pinned image: read on another machine %v, put into the kit %v", told, asked)
	}
	savePlan(t, dir, e)
	if n := len(of(t, dir).Steps); n != whole {
		t.Errorf("%d steps, at the beginning %d", n, whole)
	}
}

// An answer that never came is asked for again, from the one who owes it.
func TestOf_HolderWhoWasInvited(t *testing.T) {
	dir := t.TempDir()
	savePlan(t, dir, example())
	if _, err := trustdir.Init(dir, "", "", now); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "holders/second/challenge.json", []byte("{}"))
	l := of(t, dir)
	l.As(next.Holder)
	for i, s := range l.Steps[:3] {
		if want := fmt.Sprintf("tuf join %s.md --serial %d", s.Name, example().Holders[i].Token); !strings.HasSuffix(s.Commands[0], want) || s.Done {
			t.Errorf("%s %q, want %s", s.Name, s.Commands, want)
		}
	}
}

func TestNow_ThroughWhatLeavesNoTrace(t *testing.T) {
	l := &next.List{Steps: []next.Step{
		{Commands: []string{"a"}, Done: true},
		{Commands: []string{"b"}, Elsewhere: true},
		{Commands: []string{"c"}},
		{Commands: []string{"d"}},
	}}
	if got := strings.Join(l.Now(), " "); got != "b c" {
		t.Errorf("now %q, want %q", got, "b c")
	}
}

// What somebody tampered with is an error, never a step.
func TestOf_BrokenLedger(t *testing.T) {
	dir := t.TempDir()
	savePlan(t, dir, example())
	if _, err := trustdir.Init(dir, "", "", now); err != nil {
		t.Fatal(err)
	}
	write(t, dir, trustdir.LedgerFile, []byte("{}\n"))
	if l, err := next.Of(t.Context(), dir, now); err == nil {
		t.Errorf("%+v", l)
	}
}

package ceremony

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/ceremony/record"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/lint"
	"github.com/linnemanlabs/trustroot/yubikey"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

func TestRootThenSign(t *testing.T) {
	w := newWorld(t)
	v := w.hold(w.founding())
	if len(v.Issued) != 3 || v.Issued[0].Authority != "root" {
		t.Fatalf("issued %v", v.Issued)
	}
	if w.chip.PINs != 1 {
		t.Errorf("the PIN was asked %d times", w.chip.PINs)
	}
	if n := total(w.chip.Signed); n != 4 {
		t.Errorf("%d signatures for three certificates and a record", n)
	}
	second := w.hold(w.renewal(v))
	if len(second.Issued) != 1 || second.Issued[0].Authority != "fulcio" || second.Issued[0].Generation != 2 {
		t.Fatalf("issued %v", second.Issued)
	}
	if w.chip.Generated["9c"] != 1 || w.chip.Generated["82"] != 1 || len(w.chip.Keys) != 2 {
		t.Errorf("keys made: %v", w.chip.Generated)
	}
	if w.chip.PINs != 2 || total(w.chip.Signed) != 6 {
		t.Errorf("%d PINs and %d signatures in two ceremonies", w.chip.PINs, total(w.chip.Signed))
	}
}

func total(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

func TestDay_WordsFromPaper(t *testing.T) {
	w := newWorld(t)
	reviewed := w.founding()
	swapped := w.founding() // the same names, other bytes: a CSR is signed anew
	if reviewed.Digest() == swapped.Digest() {
		t.Fatal("the two requests are one")
	}
	o := w.options(swapped)
	o.Operator = &typist{Script: script(), paper: wordsOf(reviewed.Digest())}
	_, err := Run(context.Background(), o)
	refused(t, err, fault.Verification, "not the request that was reviewed")
	untouched(t, w.chip)
	o = w.options(reviewed)
	o.Operator = &typist{Script: script(), paper: wordsOf(reviewed.Digest())}
	if _, err := Run(context.Background(), o); err == nil {
		t.Error("the journal of another request was gone on with")
	}
	o.Out = t.TempDir()
	if _, err := Run(context.Background(), o); err != nil {
		t.Error(err)
	}
}

// untouched wants a token as it came from the factory.
func untouched(t *testing.T, c *chip) {
	t.Helper()
	if len(c.Keys)+len(c.Certs)+len(c.Signed)+c.PINs != 0 {
		t.Errorf("a trace on the token: %d keys, %d certificates, %d signatures, %d PINs", len(c.Keys), len(c.Certs), len(c.Signed), c.PINs)
	}
}

func TestDay_EveryNo(t *testing.T) {
	w := newWorld(t)
	r := w.founding()
	o := w.options(r)
	o.Host.Entropy = 1 // so that the host is asked about
	asking := script()
	o.Operator, o.Out = asking, t.TempDir()
	if _, err := Run(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	if len(asking.Asked) != 6+wordsTyped {
		t.Fatalf("%d questions: %v", len(asking.Asked), asking.Asked)
	}
	last := len(asking.Asked) - 1 // about exceptions, where no is an answer
	for _, q := range append(asking.Asked[:3:3], asking.Asked[3+wordsTyped:last]...) {
		fresh := newWorld(t)
		o := fresh.options(fresh.founding())
		o.Host.Entropy = 1
		operator := script()
		operator.Refuse = q.Text[:20]
		o.Operator = operator
		_, err := Run(context.Background(), o)
		refused(t, err, fault.Stopped, "stopped")
		o.Operator = script()
		path, err := Run(context.Background(), o)
		if err != nil {
			t.Errorf("after a no to %q: %v", q.Text, err)
			continue
		}
		fresh.verify(path)
	}
}

func TestDay_SealsThatSomethingWasOtherwise(t *testing.T) {
	w := newWorld(t)
	o := w.options(w.founding())
	operator := script()
	operator.Refuse = "Everything went as"
	o.Operator = operator
	path, err := Run(context.Background(), o)
	must(t, err)
	v := w.verify(path)
	if got := v.Exceptions(); len(got) != 1 || !strings.Contains(got[0], "see the exception sheets") {
		t.Errorf("exceptions %q", got)
	}
	page := string(v.Record.Files[record.Report])
	if !strings.Contains(page, "Exception: something was otherwise") {
		t.Error("the report does not say so")
	}
}

// Script, journal and report count alike.
func TestSteps_OneCount(t *testing.T) {
	w := newWorld(t)
	r := w.founding()
	v := w.hold(r)
	page, err := Script(r)
	must(t, err)
	report, journal := string(v.Record.Files[record.Report]), string(v.Record.Files[record.Journal])
	steps := Steps(r)
	for _, s := range steps {
		title := fmt.Sprintf("Step %d of %d: %s.", s.Number, len(steps), s.Title)
		if !strings.Contains(string(page), fmt.Sprintf("<td>%d</td><td><h3>%s</h3>", s.Number, s.Title)) {
			t.Errorf("the script does not have step %d, %s", s.Number, s.Title)
		}
		if strings.Count(journal, title) != 1 || !strings.Contains(journal, fmt.Sprintf(`"step":"step %d"`, s.Number)) {
			t.Errorf("the journal does not have %q once", title)
		}
		if !strings.Contains(report, fmt.Sprintf("<td>%d</td><td class=\"when\">", s.Number)) || !strings.Contains(report, title) {
			t.Errorf("the report does not have %q", title)
		}
	}
}

func TestDay_OtherToken(t *testing.T) {
	w := newWorld(t)
	o := w.options(w.founding())
	o.Serial = 5
	_, err := Run(context.Background(), o)
	refused(t, err, fault.Usage, "is for token 10000001")
	o.Serial = rootToken
	w.chip.Serial = 7 // the token's own word differs from what was opened
	o.Open = func(ctx context.Context, _ uint32) (Device, error) { return w.chip.open(o.Operator)(ctx, 7) }
	_, err = Run(context.Background(), o)
	refused(t, err, fault.Device, "this is token 7")
	untouched(t, w.chip)
}

func TestDay_SlotInUse(t *testing.T) {
	w := newWorld(t)
	d, err := w.chip.open(script())(context.Background(), rootToken)
	must(t, err)
	_, err = d.Generate("9c", yubikey.KeyOptions{Algorithm: "P-384", PIN: "always", Touch: "always"})
	must(t, err)
	o, asked := w.options(w.founding()), script()
	o.Operator = asked
	_, err = Run(context.Background(), o)
	refused(t, err, fault.Device, "holds a key already")
	if len(asked.Asked) > 0 {
		t.Errorf("%d questions before it", len(asked.Asked))
	}
	if w.chip.Generated["9c"] != 1 || len(w.chip.Signed) != 0 || len(w.chip.Certs) != 0 {
		t.Error("the token was changed")
	}
}

// The token's own certificate is looked at before the first question, and before
// the token is made ready.
func TestDay_TokenOfAnotherMaker(t *testing.T) {
	w := newWorld(t)
	o, asked, ready := w.options(w.founding()), script(), false
	o.Operator, o.Roots, o.Ready = asked, attestation.Yubico(), func(context.Context) error { ready = true; return nil }
	_, err := Run(context.Background(), o)
	refused(t, err, fault.Verification, "the token's own certificate")
	if len(asked.Asked) > 0 || ready {
		t.Errorf("%d questions before it, made ready: %v", len(asked.Asked), ready)
	}
	untouched(t, w.chip)
}

func TestDay_SignWithAnotherRoot(t *testing.T) {
	w := newWorld(t)
	r := w.renewal(w.hold(w.founding()))
	delete(w.chip.Keys, "9c")
	d, err := w.chip.open(script())(context.Background(), rootToken)
	must(t, err)
	_, err = d.Generate("9c", yubikey.KeyOptions{Algorithm: "P-384", PIN: "always", Touch: "always"})
	must(t, err)
	before := total(w.chip.Signed)
	_, err = Run(context.Background(), w.options(r))
	refused(t, err, fault.Verification, "9c")
	if total(w.chip.Signed) != before {
		t.Error("another root signed")
	}
}

func TestRun_HoldsARequestOnce(t *testing.T) {
	w := newWorld(t)
	r := w.founding()
	w.hold(r)
	_, err := Run(context.Background(), w.options(r))
	refused(t, err, fault.Usage, "exists already")
}

func TestWitness_SignsLater(t *testing.T) {
	w := newWorld(t)
	v := w.hold(w.founding())
	witness := newChip(t, 20000001)
	// its attestation must end at the plan's root: the same maker made both
	witness.Root, witness.F9, witness.F9Key = w.chip.Root, w.chip.F9, w.chip.F9Key
	d, err := witness.open(script())(context.Background(), 20000001)
	must(t, err)
	_, err = d.Generate("9a", yubikey.KeyOptions{Algorithm: "P-256", PIN: "once", Touch: "always"})
	must(t, err)
	o := WitnessOptions{VerifyOptions: VerifyOptions{Linter: lint.New(), Rehearsal: true}, Serial: 20000001, Slot: "9a", Operator: script(), Open: witness.open(script())}
	if _, err := SignAsWitness(context.Background(), v.Record.Path, o); err != nil {
		t.Fatal(err)
	}
	again := w.verify(v.Record.Path)
	if len(again.Witnesses) != 1 || again.Witnesses[0].String() != "ada (token 20000001)" {
		t.Errorf("witnesses %v", again.Witnesses)
	}
	_, err = SignAsWitness(context.Background(), v.Record.Path, o)
	refused(t, err, fault.Usage, "signed this record already")
	damageEvery(t, v.Record.Path, record.SignaturesDir)
}

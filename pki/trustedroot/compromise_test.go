package trustedroot

import (
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/trustedroot/judge"
)

// compromise marks keys in the world as the ledger does.
func (w *world) compromise(key string, since time.Time, generations ...*ledger.Generation) {
	c := &ledger.Compromise{Generation: 1, Since: since, Reason: "test"}
	w.state.Compromised = map[string]*ledger.Compromise{key: c}
	end := since.Add(-time.Second)
	for _, g := range generations {
		g.End, g.Compromised = &end, c
	}
}

func TestBuild_RefusesAnOpenEntryOverACompromisedKey(t *testing.T) {
	w := newWorld(t, 1)
	w.compromise(spkiDigest(w.root.cert), before) // and nothing under it was closed
	_, err := Build(w.plan, w.state, w.files)
	if err == nil || !strings.Contains(err.Error(), "COMPROMISED") {
		t.Errorf("open entries under a stolen root are built: %v", err)
	}
	w.compromise(spkiDigest(w.root.cert), before, &w.state.Authorities["fulcio"][0], &w.state.Authorities["tsa"][0])
	if _, err := Build(w.plan, w.state, w.files); err != nil {
		t.Errorf("closed entries are refused: %v", err)
	}
}

func TestBuild_AnEntryThatLeftStandsNowhere(t *testing.T) {
	w := newWorld(t, 2)
	w.state.Authorities["tsa"][0].Left, w.state.Logs["ct"][0].Left = true, true
	w.compromise(spkiDigest(w.tsa[0].cert), before, &w.state.Authorities["tsa"][0])
	tr, err := judge.Check(w.build(t))
	if err != nil {
		t.Fatal(err)
	}
	if n, m := len(tr.TimestampingAuthorities()), len(tr.CTLogs()); n != 1 || m != 1 {
		t.Errorf("%d TSAs and %d CT logs, want one of each", n, m)
	}
}

func TestBuild_RefusesWhatHangsUnderAStandby(t *testing.T) {
	w := newWorld(t, 1)
	w.state.Authorities["root"][0].Standby = true
	if _, err := Build(w.plan, w.state, w.files); err == nil || !strings.Contains(err.Error(), "stands by") {
		t.Errorf("an entry under a standby root is built: %v", err)
	}
}

func TestLint_KnowsACompromiseFromAGap(t *testing.T) {
	w := newWorld(t, 1)
	data := w.build(t)
	for name, key := range map[string]string{"root": spkiDigest(w.root.cert), "fulcio": spkiDigest(w.fulcio[0].cert), "rekor": w.state.Logs["rekor"][0].Log.LogID} {
		findings, err := Lint(data, LintOptions{Judge: judge.SigstoreGo{}, Compromised: []string{key}})
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, f := range findings {
			found = found || f.ID == "compromised-key-open" && f.Severity == Error
		}
		if !found {
			t.Errorf("an open entry over the stolen key of %s is not an error: %v", name, findings)
		}
	}
}

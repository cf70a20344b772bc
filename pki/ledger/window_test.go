package ledger

import (
	"testing"
	"time"
)

// wantWindow checks a generation's window; end zero means open.
func wantWindow(t *testing.T, g Generation, start, end time.Time) {
	t.Helper()
	if !g.Start.Equal(start) {
		t.Errorf("generation %d starts at %v, want %v", g.Number, g.Start, start)
	}
	switch {
	case end.IsZero() && g.End != nil:
		t.Errorf("generation %d ends at %v and should be open", g.Number, g.End)
	case !end.IsZero() && (g.End == nil || !g.End.Equal(end)):
		t.Errorf("generation %d ends at %v, want %v", g.Number, g.End, end)
	}
}

func TestWindow_RenewalOverlapsUntilTheCutover(t *testing.T) {
	path := newLedger(t, certificate("root", 1, day), certificate("tsa", 1, day),
		logKey("rekor", 1, after(1)), certificate("tsa", 2, after(10)), logKey("rekor", 2, after(11)))
	s := mustRead(t, path).State()
	wantWindow(t, s.Authorities["tsa"][0], day, time.Time{})
	wantWindow(t, s.Authorities["tsa"][1], after(10), time.Time{})
	wantWindow(t, s.Logs["rekor"][0], after(1), time.Time{})

	// all in one recorded step.
	if _, err := Append(path, "", after(1000), cutover(after(20), "tsa", "rekor")); err != nil {
		t.Fatal(err)
	}
	s = mustRead(t, path).State()
	wantWindow(t, s.Authorities["tsa"][0], day, after(20))
	wantWindow(t, s.Authorities["tsa"][1], after(10), time.Time{})
	wantWindow(t, s.Logs["rekor"][0], after(1), after(20))
	wantWindow(t, s.Logs["rekor"][1], after(11), time.Time{})
	wantWindow(t, s.Authorities["root"][0], day, time.Time{})

	// a later generation and cutover leave the first one as it is.
	for _, e := range []Entry{certificate("tsa", 3, after(30)), cutover(after(40), "tsa")} {
		if _, err := Append(path, "", after(1000), e); err != nil {
			t.Fatal(err)
		}
	}
	tsa := mustRead(t, path).State().Authorities["tsa"]
	wantWindow(t, tsa[0], day, after(20))
	wantWindow(t, tsa[1], after(10), after(40))
	wantWindow(t, tsa[2], after(30), time.Time{})
}

func TestWindow_CutoverSkipsAGeneration(t *testing.T) {
	path := newLedger(t, certificate("root", 1, day), certificate("tsa", 1, day), certificate("tsa", 2, after(1)),
		certificate("tsa", 3, after(2)), cutover(after(3), "tsa"))
	tsa := mustRead(t, path).State().Authorities["tsa"]
	wantWindow(t, tsa[0], day, after(3))
	wantWindow(t, tsa[1], after(1), after(3))
	wantWindow(t, tsa[2], after(2), time.Time{})
}

func TestWindow_EndsWithTheCertificate(t *testing.T) {
	short := certificate("tsa", 1, day)
	short.Certificate.NotAfter = after(5)
	path := newLedger(t, certificate("root", 1, day), short, certificate("tsa", 2, after(1)), cutover(after(10), "tsa"))
	wantWindow(t, mustRead(t, path).State().Authorities["tsa"][0], day, after(5))
}

func TestWindow_Compromise(t *testing.T) {
	path := newLedger(t, certificate("root", 1, day), certificate("tsa", 1, day), certificate("tsa", 2, after(10)))
	since := func(generation, days int) Entry {
		return Entry{Compromise: &Compromise{Name: "tsa", Generation: generation, Since: after(days), Reason: "copied"}}
	}
	for _, e := range []Entry{since(1, 15), cutover(after(20), "tsa")} {
		if _, err := Append(path, "", after(1000), e); err != nil {
			t.Fatal(err)
		}
	}
	tsa := mustRead(t, path).State().Authorities["tsa"]
	wantWindow(t, tsa[0], day, after(15).Add(-time.Second)) // ends are inclusive
	if tsa[0].Compromised == nil || tsa[1].Compromised != nil {
		t.Errorf("compromised are %v and %v", tsa[0].Compromised, tsa[1].Compromised)
	}
	wantRefused(t, path, "compromised since", since(1, 15))
	wantRefused(t, path, "compromised since", since(1, 16))
	wantRefused(t, path, "no generation 3", since(3, 50))
	wantRefused(t, path, "no generation 0", since(0, 50))
	wantRefused(t, path, "lies ahead", since(2, 1001))
	if _, err := Append(path, "", after(1000), since(1, 0)); err != nil {
		t.Fatal(err)
	}
	if g := mustRead(t, path).State().Authorities["tsa"][0]; !g.Left {
		t.Error("a key that was stolen from the start is still trusted")
	}
}

func TestWindow_CompromisedApplication(t *testing.T) {
	path := small(t)
	if _, err := Append(path, "", after(1000),
		Entry{Compromise: &Compromise{Name: "deploy", Generation: 1, Since: after(3), Reason: "copied"}}); err != nil {
		t.Fatal(err)
	}
	wantWindow(t, mustRead(t, path).State().Apps["deploy"][0], time.Time{}, after(3).Add(-time.Second))
}

func TestCutover_Refused(t *testing.T) {
	path := newLedger(t, certificate("root", 1, day), certificate("tsa", 1, day), certificate("tsa", 2, after(10)))
	wantRefused(t, path, "neither an authority nor a log", cutover(after(20), "tsa", "fulcio"))
	wantRefused(t, path, "no generation that a newer one", cutover(after(20), "root"))
	wantRefused(t, path, "holds tsa twice", cutover(after(20), "tsa", "tsa"))
	wantRefused(t, path, "names is empty", cutover(after(20)))
	wantRefused(t, path, "of generation 2 of tsa", cutover(after(9), "tsa"))
	wantRefused(t, path, "lies ahead", cutover(after(1001), "tsa"))
	if _, err := Append(path, "", after(1000), cutover(after(20), "tsa")); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, path, "no generation that a newer one", cutover(after(30), "tsa"))
}

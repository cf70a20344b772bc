package ledger

import (
	"strings"
	"testing"
	"time"
)

func under(e Entry, root int) Entry {
	e.Certificate.IssuerGeneration = root
	return e
}

func compromise(name string, generation int, since time.Time) Entry {
	return Entry{Compromise: &Compromise{Name: name, Generation: generation, Since: since, Reason: "stolen"}}
}

func mustAppend(t *testing.T, path string, entries ...Entry) *State {
	t.Helper()
	for _, e := range entries {
		if _, err := Append(path, "", after(1000), e); err != nil {
			t.Fatal(err)
		}
	}
	return mustRead(t, path).State()
}

// sameKey gives a renewal the key of an earlier generation.
func sameKey(e Entry, of Entry) Entry {
	e.Certificate.SPKISHA256 = of.Certificate.SPKISHA256
	return e
}

func TestCompromise_IsOfTheKeyAndNotOfOneGeneration(t *testing.T) {
	first := certificate("fulcio", 1, day)
	path := newLedger(t, certificate("root", 1, day), first,
		sameKey(certificate("fulcio", 2, after(10)), first), sameKey(certificate("fulcio", 3, after(30)), first), certificate("fulcio", 4, after(40)))
	fulcio := mustAppend(t, path, compromise("fulcio", 2, after(20))).Authorities["fulcio"]
	end := after(20).Add(-time.Second)
	wantWindow(t, fulcio[0], day, end)
	wantWindow(t, fulcio[1], after(10), end)
	if fulcio[0].Left || fulcio[1].Left || !fulcio[2].Left {
		t.Errorf("left are %v %v %v, want the one that began after the theft", fulcio[0].Left, fulcio[1].Left, fulcio[2].Left)
	}
	wantWindow(t, fulcio[3], after(40), time.Time{})
	if fulcio[3].Compromised != nil {
		t.Error("another key of the same name is called compromised")
	}
	wantRefused(t, path, "COMPROMISED", sameKey(certificate("fulcio", 5, after(50)), first))
}

func TestCompromise_OfTheRootClosesEverythingUnderItAndNothingElse(t *testing.T) {
	path := newLedger(t, certificate("root", 1, day), certificate("fulcio", 1, day), certificate("tsa", 1, day),
		certificate("root", 2, after(5)), under(certificate("fulcio", 2, after(6)), 2), under(certificate("tsa", 2, after(7)), 1), logKey("rekor", 1, day))
	s := mustAppend(t, path, compromise("root", 1, after(20)))
	end := after(20).Add(-time.Second)
	wantWindow(t, s.Authorities["root"][0], day, end)
	wantWindow(t, s.Authorities["fulcio"][0], day, end)
	wantWindow(t, s.Authorities["tsa"][1], after(7), end)
	wantWindow(t, s.Authorities["fulcio"][1], after(6), time.Time{})
	wantWindow(t, s.Logs["rekor"][0], day, time.Time{})
	if n := len(s.Under("root", 1)); n != 3 {
		t.Errorf("%d certificates under the first root, want 3", n)
	}
	wantRefused(t, path, "COMPROMISED", under(certificate("tsa", 3, after(30)), 1))
	mustAppend(t, path, under(certificate("tsa", 3, after(30)), 2))
}

// lines without an issuer's generation were issued by the newest root.
func TestCertificate_OldLinesHangUnderTheRootOfTheirTime(t *testing.T) {
	path := newLedger(t, certificate("root", 1, day), certificate("tsa", 1, day), certificate("root", 2, after(5)), certificate("tsa", 2, after(7)))
	s := mustRead(t, path).State()
	for i, want := range []int{1, 2} {
		if got := s.Issuer(&s.Authorities["tsa"][i]).Number; got != want {
			t.Errorf("tsa generation %d hangs under root %d, want %d", i+1, got, want)
		}
	}
}

func TestCompromise_LogsApplicationsAndKeysOfNoGeneration(t *testing.T) {
	path := small(t)
	s := mustAppend(t, path, compromise("rekor", 1, after(3)), compromise("deploy", 1, after(3)),
		Entry{Compromise: &Compromise{Name: "holder alice", Key: digestOf("alice"), Since: after(9), Reason: "bag stolen"}})
	if !s.Logs["rekor"][0].over(after(3)) || !s.Apps["deploy"][0].over(after(3)) {
		t.Error("a stolen key is still open")
	}
	if s.Compromised[digestOf("alice")] == nil {
		t.Error("the holder's key is not known as compromised")
	}
	known := Entry{Compromise: &Compromise{Name: "x", Key: s.Authorities["root"][0].Key(), Since: day, Reason: "x"}}
	wantRefused(t, path, "name it and its generation", known)
	log := logKey("rekor", len(s.Logs["rekor"])+1, after(900))
	log.Log.LogID = s.Logs["rekor"][0].Key()
	wantRefused(t, path, "COMPROMISED", log)
}

func TestCompromise_MayComeAfterTheCutoverAndLeave(t *testing.T) {
	path := newLedger(t, certificate("root", 1, day), certificate("tsa", 1, day), certificate("tsa", 2, after(10)), cutover(after(20), "tsa"))
	late := compromise("tsa", 1, after(30))
	s := mustAppend(t, path, late)
	wantWindow(t, s.Authorities["tsa"][0], day, after(20))
	if s.Authorities["tsa"][0].Compromised == nil || s.Authorities["tsa"][0].Left {
		t.Error("a retired key that was stolen must be known as stolen, and stay")
	}
	late.Compromise.Leaves = true
	if s := mustAppend(t, path, late); !s.Authorities["tsa"][0].Left {
		t.Error("the entry stays")
	}
}

func TestAppend_TimeNeverGoesBack(t *testing.T) {
	path := small(t)
	if _, err := Append(path, "", after(-2555), cutover(after(-2556), "tsa")); err == nil {
		t.Error("a line dated seven years before the last was taken")
	}
}

func TestStandby_IssuesNothingUntilPromoted(t *testing.T) {
	second := certificate("root", 2, day)
	second.Certificate.Standby = true
	path := newLedger(t, certificate("root", 1, day), second, certificate("tsa", 1, day))
	wantRefused(t, path, "stands by", under(certificate("tsa", 2, after(1)), 2))
	wantRefused(t, path, "stands by no more", Entry{Promote: &Promote{Name: "root", Generation: 1}})
	s := mustAppend(t, path, Entry{Promote: &Promote{Name: "root", Generation: 2}}, under(certificate("tsa", 2, after(1)), 2))
	if g := s.Authorities["root"][1]; g.Standby || !g.Live() {
		t.Error("the promoted root is not live")
	}
	wantRefused(t, path, "stands by no more", Entry{Promote: &Promote{Name: "root", Generation: 2}})
	leaf := certificate("tsa", 3, after(2))
	leaf.Certificate.Standby = true
	wantRefused(t, path, "only a root", leaf)
}

func ended(name string, generation int, what string, at time.Time) Entry {
	return Entry{Ended: &Ended{Name: name, Generation: generation, What: what, At: at}}
}

func TestEnded_ARootEndsWhenNothingUnderItIsOpen(t *testing.T) {
	path := newLedger(t, certificate("root", 1, day), certificate("tsa", 1, day), certificate("root", 2, after(5)),
		under(certificate("tsa", 2, after(10)), 2))
	wantRefused(t, path, "tsa generation 1 under it is still open", ended("root", 1, EndRetired, after(30)))
	wantRefused(t, path, "retire it first", ended("root", 2, EndDestroyed, after(30)))
	mustAppend(t, path, cutover(after(20), "tsa"))
	wantRefused(t, path, "still open", ended("root", 1, EndRetired, after(19)))
	s := mustAppend(t, path, ended("root", 1, EndRetired, after(30)), ended("root", 1, EndDestroyed, after(31)))
	if g := s.Authorities["root"][0]; g.Retired == nil || g.Destroyed == nil || g.Live() {
		t.Error("the root did not end")
	}
	wantRefused(t, path, "retired already", ended("root", 1, EndRetired, after(40)))
	wantRefused(t, path, "retired", under(certificate("tsa", 3, after(40)), 1))
	if s := mustAppend(t, path, ended("tsa", 2, EndRetired, after(50))); !s.Authorities["tsa"][1].over(after(50)) {
		t.Error("a retired service is still open")
	}
}

func TestCRL_NumbersGrowForEachKey(t *testing.T) {
	path := newLedger(t, certificate("root", 1, day), certificate("tsa", 1, day), certificate("root", 2, after(5)))
	list := func(generation int, number int64, days int, revoked ...string) Entry {
		return Entry{CRL: &CRL{Issuer: "root", Generation: generation, Number: number, ThisUpdate: after(days), NextUpdate: after(days + 365),
			Revoked: revoked, File: file("crls/x-" + after(days).Format("20060102") + ".crl"), Ceremony: "day"}}
	}
	serial := certificate("tsa", 1, day).Certificate.Serial
	s := mustAppend(t, path, list(1, 1, 10), list(2, 1, 11), list(1, 2, 12, serial))
	if got := s.LastCRL("root", 1); got == nil || got.Number != 2 {
		t.Errorf("the last CRL is %v", got)
	}
	wantRefused(t, path, "does not follow", list(1, 2, 13))
	wantRefused(t, path, "does not follow", list(1, 3, 9))
	wantRefused(t, path, "none of the ledger's", list(1, 3, 14, "abc"))
	mustAppend(t, path, certificate("root", 3, after(6)))
	wantRefused(t, path, "numbered from 1", list(3, 0, 14))
}

// TestOnline_HasGenerationsAndEnds replaces the online key, and has one stolen.
func TestOnline_HasGenerationsAndEnds(t *testing.T) {
	online := func(n int, key string) Entry {
		return Entry{Online: &Online{Generation: n, SPKISHA256: digestOf(key)}}
	}
	path := newLedger(t, logKey("rekor", 1, day))
	add := func(at time.Time, e Entry) *State {
		t.Helper()
		if _, err := Append(path, "", at, e); err != nil {
			t.Fatal(err)
		}
		return mustRead(t, path).State()
	}
	add(after(1000), online(1, "first"))
	s := add(after(2000), online(2, "second"))
	wantWindow(t, s.Online[0], after(1000), after(2000))
	wantWindow(t, s.Online[1], after(2000), time.Time{})
	s = add(after(3000), compromise(OnlineKey, 2, after(2500)))
	wantWindow(t, s.Online[1], after(2000), after(2500).Add(-time.Second))
	if s.Online[0].Compromised != nil || s.Online[1].Compromised == nil {
		t.Error("the theft of the second key is not of the second key alone")
	}
	for why, e := range map[string]Entry{"generation is 4 and the next one": online(4, "fourth"), "is in use as tuf-online": online(3, "first"), "COMPROMISED": online(3, "second")} {
		if _, err := Append(path, "", after(3000), e); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%v, want %q", err, why)
		}
	}
	s = add(after(4000), online(3, "third"))
	wantWindow(t, s.Online[1], after(2000), after(2500).Add(-time.Second)) // the theft's end stays
	wantWindow(t, s.Online[2], after(4000), time.Time{})
}

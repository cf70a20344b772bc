package ledger

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// wantRefused appends and expects a refusal that says why, with the ledger
// unchanged.
func wantRefused(t *testing.T, path, why string, entries ...Entry) {
	t.Helper()
	before := bytesOf(t, path)
	_, err := Append(path, "", after(1000), entries...)
	if err == nil || !strings.Contains(err.Error(), why) {
		t.Errorf("error %v, want %q", err, why)
	}
	if !bytes.Equal(before, bytesOf(t, path)) {
		t.Error("a refused append changed the ledger")
	}
}

func TestAppend_NothingOrTwoPayloads(t *testing.T) {
	path := newLedger(t)
	wantRefused(t, path, "nothing to add")
	wantRefused(t, path, "0 payloads", Entry{})
	two := certificate("root", 1, day)
	two.Withheld = &Withheld{Authority: "root", Serial: "1", Reason: "x"}
	wantRefused(t, path, "2 payloads", two)
}

func TestAppend_CreatedOnce(t *testing.T) {
	wantRefused(t, newLedger(t), "first line", Entry{Created: &Created{Organization: "again"}})
}

func TestAppend_GenerationsInOrder(t *testing.T) {
	path := newLedger(t, certificate("root", 1, day), logKey("rekor", 1, day))
	wantRefused(t, path, "the next one of root is 2", certificate("root", 3, day))
	wantRefused(t, path, "the next one of tsa is 1", certificate("tsa", 2, day))
	wantRefused(t, path, "the next one of rekor is 2", logKey("rekor", 1, day))
	wantRefused(t, path, "another kind", logKey("root", 1, day))
	wantRefused(t, path, "start is before", logKey("rekor", 2, after(-1)))
}

func TestAppend_SerialNeverTwice(t *testing.T) {
	path := small(t)
	again := certificate("tsa", 3, day)
	again.Certificate.Serial = certificate("tsa", 1, day).Certificate.Serial
	wantRefused(t, path, "was signed before, for tsa", again)
	withheld := certificate("tsa", 3, day)
	withheld.Certificate.Serial = "7f"
	wantRefused(t, path, "was signed before", withheld)
	wantRefused(t, path, "was signed before", Entry{Withheld: &Withheld{Authority: "tsa", Serial: "7f", Reason: "again"}})
	for _, form := range []string{"", "0", "0a", "AB", "xyz", strings.Repeat("1", 41)} {
		bad := certificate("tsa", 3, day)
		bad.Certificate.Serial = form
		wantRefused(t, path, "hex digits", bad)
	}
}

func TestAppend_OneKeyServesOne(t *testing.T) {
	path := small(t)
	stolen := certificate("tsa", 3, after(30))
	stolen.Certificate.SPKISHA256 = certificate("tsa", 1, day).Certificate.SPKISHA256
	wantRefused(t, path, "COMPROMISED", stolen)
	renewed := certificate("tsa", 3, after(30))
	renewed.Certificate.SPKISHA256 = certificate("tsa", 2, day).Certificate.SPKISHA256
	if _, err := Append(path, "", after(1000), renewed); err != nil {
		t.Errorf("a renewed authority may keep its key: %v", err)
	}
	other := certificate("fulcio", 1, day)
	other.Certificate.SPKISHA256 = renewed.Certificate.SPKISHA256
	wantRefused(t, path, "in use as authority tsa", other)
	log := logKey("rekor", 2, day)
	log.Log.LogID = logKey("rekor", 1, day).Log.LogID
	wantRefused(t, path, "in use as log rekor", log)
	wantRefused(t, path, "in use as application deploy",
		Entry{App: &App{Name: "deploy", Generation: 2, SPKISHA256: digestOf("app"), File: file("apps/deploy/g2/key.pem")}})
}

func TestAppend_Requests(t *testing.T) {
	path := small(t)
	wantRefused(t, path, "must be larger than 1", Entry{Request: &Request{Sequence: 1, Ceremony: "second", Digest: digestOf("2")}})
	wantRefused(t, path, "recorded before", Entry{Request: &Request{Sequence: 2, Ceremony: "second", Digest: digestOf("request")}})
	wantRefused(t, path, "not in the ledger", Entry{Record: &Record{Ceremony: "first", Request: digestOf("2"), File: file("x")}})
	wantRefused(t, path, "accepted before", Entry{Record: &Record{Ceremony: "first", Request: digestOf("request"), File: file("x")}})
	wantRefused(t, path, "for the ceremony second",
		Entry{Request: &Request{Sequence: 3, Ceremony: "second", Digest: digestOf("3")}},
		Entry{Record: &Record{Ceremony: "first", Request: digestOf("3"), File: file("x")}})
}

func TestAppend_Forms(t *testing.T) {
	path := small(t)
	cert := func(change func(*Certificate)) Entry {
		e := certificate("tsa", 3, day)
		change(e.Certificate)
		return e
	}
	wantRefused(t, path, "64 lower-case hex", cert(func(c *Certificate) { c.SPKISHA256 = strings.ToUpper(digestOf("x")) }))
	wantRefused(t, path, "inside the trust directory", cert(func(c *Certificate) { c.File.Path = "../x" }))
	wantRefused(t, path, "inside the trust directory", cert(func(c *Certificate) { c.Chain.Path = "/etc/passwd" }))
	wantRefused(t, path, "another digest", cert(func(c *Certificate) { c.File.Path = "authorities/tsa/g1/certificate.pem" }))
	wantRefused(t, path, "another digest", cert(func(c *Certificate) { c.File.Path = c.Chain.Path }))
	wantRefused(t, path, "no certificate in the ledger", cert(func(c *Certificate) { c.Issuer = "other" }))
	wantRefused(t, path, "not_after is before", cert(func(c *Certificate) { c.NotAfter = c.NotBefore.Add(-time.Second) }))
	wantRefused(t, path, "UTC in whole seconds", cert(func(c *Certificate) { c.NotBefore = c.NotBefore.Add(time.Millisecond) }))
	wantRefused(t, path, "UTC in whole seconds", cert(func(c *Certificate) { c.NotBefore = c.NotBefore.In(time.FixedZone("", 3600)) }))
	wantRefused(t, path, "unprintable", Entry{Withheld: &Withheld{Authority: "tsa", Serial: "8", Reason: "\x1b[2J"}})
	wantRefused(t, path, "UTF-8", Entry{Withheld: &Withheld{Authority: "tsa", Serial: "8", Reason: "\xff"}})
	wantRefused(t, path, "lower-case letters", Entry{Withheld: &Withheld{Authority: "TSA", Serial: "8", Reason: "x"}})
	wantRefused(t, path, "more than a line", Entry{Withheld: &Withheld{Authority: "tsa", Serial: "8", Reason: strings.Repeat("x", maxLine)}})
}

// Every problem of an entry is in the one error.
func TestAppend_ProblemsTogether(t *testing.T) {
	path := newLedger(t)
	bad := Entry{Withheld: &Withheld{Authority: "", Serial: "", Reason: ""}}
	for _, why := range []string{"authority is", "serial is", "reason is empty"} {
		wantRefused(t, path, why, bad)
	}
}

package ledger

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/digest"
)

var day = time.Date(2026, time.May, 1, 12, 0, 0, 0, time.UTC)

func after(days int) time.Time { return day.AddDate(0, 0, days) }

func digestOf(s string) string {
	return digest.Hex([]byte(s))
}

func file(path string) File { return File{Path: path, SHA256: digestOf(path)} }

// certificate is generation n of an authority, valid for ten years from start.
func certificate(name string, n int, start time.Time) Entry {
	issuer := "root"
	path := fmt.Sprintf("authorities/%s/g%d/", name, n)
	return Entry{Certificate: &Certificate{
		Authority: name, Generation: n, Profile: "tsa", Issuer: issuer,
		Serial: "1" + digestOf(path)[:30], SPKISHA256: digestOf("key of " + path),
		NotBefore: start, NotAfter: start.AddDate(10, 0, 0),
		File: file(path + "certificate.pem"), Chain: file(path + "chain.pem"),
	}}
}

func logKey(name string, n int, start time.Time) Entry {
	path := fmt.Sprintf("logs/%s/g%d/key.pem", name, n)
	return Entry{Log: &Log{
		Name: name, Generation: n, Kind: "rekor-v2", Origin: name + ".example.com",
		URL: "https://" + name + ".example.com", LogID: digestOf("key of " + path), Start: start, File: file(path),
	}}
}

func cutover(at time.Time, names ...string) Entry {
	return Entry{Cutover: &Cutover{Names: names, At: at}}
}

// newLedger makes a ledger with the entries, each in a write of its own.
func newLedger(t testing.TB, entries ...Entry) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger.jsonl")
	if err := Create(path, Created{Organization: "Example <Org> & Söhne"}, day); err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, err := Append(path, "", after(1000), e); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// small holds one of every type of line.
func small(t testing.TB) string {
	t.Helper()
	request := digestOf("request")
	first := certificate("root", 1, day)
	return newLedger(t,
		Entry{Request: &Request{Sequence: 1, Ceremony: "first", Digest: request}},
		first, certificate("tsa", 1, day), certificate("tsa", 2, after(10)),
		Entry{Withheld: &Withheld{Authority: "tsa", Serial: "7f", Reason: "its answer was lost"}},
		logKey("rekor", 1, day),
		Entry{App: &App{Name: "deploy", Generation: 1, SPKISHA256: digestOf("app"), File: file("apps/deploy/g1/key.pem")}},
		cutover(after(20), "tsa"),
		Entry{Compromise: &Compromise{Name: "tsa", Generation: 1, Since: after(15), Reason: "the key was copied"}},
		material("token 1", MaterialReceived, "", after(21)), material("token 1", MaterialSealed, "A1", after(21)),
		Entry{Record: &Record{Ceremony: "first", File: file("ceremonies/2026-05-01-first/sealed/SHA256SUMS"), Request: request}},
	)
}

func bytesOf(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func mustRead(t testing.TB, path string) *Ledger {
	t.Helper()
	l, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

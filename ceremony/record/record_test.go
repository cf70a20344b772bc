package record

import (
	"bytes"
	"context"
	"crypto/elliptic"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/testpki"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func refused(t *testing.T, err error, why string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), why) {
		t.Errorf("want %q, got %v", why, err)
	}
}

// sealed is a small record's files and their statement.
func sealed(t testing.TB) (files map[string][]byte, statement []byte) {
	t.Helper()
	files, err := Seal(map[string][]byte{Journal: []byte("{}\n"), Report: []byte("<p>\n")})
	must(t, err)
	statement, err = NewStatement(files, Predicate{Organization: "example.com", JournalHead: "aa", Certificates: []Certificate{}})
	must(t, err)
	return files, statement
}

func TestEnvelope_RoundTrip(t *testing.T) {
	_, statement := sealed(t)
	key := testpki.Key(t, elliptic.P256())
	envelope, err := Sign(context.Background(), statement, key)
	must(t, err)
	must(t, CheckEnvelope(context.Background(), envelope, statement, key.Public()))
	refused(t, CheckEnvelope(context.Background(), envelope, statement, testpki.Key(t, elliptic.P256()).Public()), "it names the key")
}

func TestEnvelope_NamesWhatDiffers(t *testing.T) {
	files, statement := sealed(t)
	key := testpki.Key(t, elliptic.P256())
	envelope, err := Sign(context.Background(), statement, key)
	must(t, err)
	check := func(change map[string][]byte, p Predicate, why string) {
		t.Helper()
		other := maps.Clone(files)
		maps.Copy(other, change)
		maps.DeleteFunc(other, func(_ string, data []byte) bool { return data == nil })
		want, err := NewStatement(other, p)
		must(t, err)
		refused(t, CheckEnvelope(context.Background(), envelope, want, key.Public()), why)
	}
	same := Predicate{Organization: "example.com", JournalHead: "aa", Certificates: []Certificate{}}
	check(map[string][]byte{Report: []byte("other")}, same, "another sealed/report.html")
	check(map[string][]byte{"extra": []byte("x")}, same, "sealed/extra was not among")
	check(map[string][]byte{Report: nil}, same, "another sealed/report.html")
	check(nil, Predicate{Organization: "example.com", JournalHead: "bb", Certificates: []Certificate{}}, "here it ends in bb")
	check(nil, Predicate{Organization: "example.org", JournalHead: "aa", Certificates: []Certificate{}}, "not the one that follows")
}

func TestEnvelope_EveryByte(t *testing.T) {
	_, statement := sealed(t)
	key := testpki.Key(t, elliptic.P256())
	envelope, err := Sign(context.Background(), statement, key)
	must(t, err)
	for at := range envelope {
		for _, mask := range []byte{1, 0x20, 0x80} {
			bad := bytes.Clone(envelope)
			bad[at] ^= mask
			if CheckEnvelope(context.Background(), bad, statement, key.Public()) == nil {
				t.Fatalf("byte %d changed from %q to %q", at, envelope[at], bad[at])
			}
		}
	}
	for _, bad := range [][]byte{append(bytes.Clone(envelope), '\n'), envelope[:len(envelope)-1], bytes.ReplaceAll(envelope, []byte("  "), []byte(" ")), nil} {
		if CheckEnvelope(context.Background(), bad, statement, key.Public()) == nil {
			t.Errorf("%d bytes in place of %d", len(bad), len(envelope))
		}
	}
}

func TestRecord_WriteAndOpen(t *testing.T) {
	files, statement := sealed(t)
	envelope, err := Sign(context.Background(), statement, testpki.Key(t, elliptic.P256()))
	must(t, err)
	path := filepath.Join(t.TempDir(), "2026-11-02-founding")
	must(t, Write(path, files, envelope))
	r, err := Open(path)
	must(t, err)
	if !bytes.Equal(r.Signatures[RecordKeyFile], envelope) || len(r.Files) != len(files) || len(r.Witnesses()) != 0 {
		t.Errorf("%d files, %d signatures", len(r.Files), len(r.Signatures))
	}
	if err := Write(path, files, envelope); err == nil {
		t.Error("a record was written over another")
	}
	must(t, AddWitness(path, 42, envelope, []byte("slot"), []byte("device")))
	err = AddWitness(path, 42, envelope, nil, nil)
	if fault.ExitCode(err) != int(fault.Usage) {
		t.Errorf("a witness twice: %v", err)
	}
	r, err = Open(path)
	must(t, err)
	if w := r.Witnesses(); len(w) != 1 || w[0] != 42 {
		t.Errorf("witnesses %v", w)
	}
	_, err = Open(filepath.Join(path, SealedDir))
	if fault.ExitCode(err) != int(fault.Usage) {
		t.Errorf("not a record: %v", err)
	}
}

func TestWitnessOf_Names(t *testing.T) {
	for name, want := range map[string]uint32{
		"witness-1/statement.dsse.json": 1, "witness-4294967295/statement.dsse.json": 4294967295, "witness-4294967296/statement.dsse.json": 0,
		"witness-01/statement.dsse.json": 0, "witness-/statement.dsse.json": 0, RecordKeyFile: 0,
	} {
		if got := witnessOf(name); got != want {
			t.Errorf("%s is the token %d", name, got)
		}
	}
}

// Invariant: whatever is taken as an envelope is byte for byte the only one
// with its signature: writing it again gives the same.
func FuzzEnvelope(f *testing.F) {
	_, statement := sealed(f)
	key := testpki.Key(f, elliptic.P256())
	envelope, err := Sign(context.Background(), statement, key)
	must(f, err)
	f.Add(envelope)
	f.Add([]byte(`{"payloadType":"x","payload":"","signatures":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if CheckEnvelope(context.Background(), data, statement, key.Public()) == nil && !bytes.Equal(data, envelope) {
			t.Fatalf("another envelope was taken: %q", data)
		}
	})
}

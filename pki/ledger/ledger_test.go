package ledger

import (
	"bytes"
	"errors"
	"io/fs"
	"math/big"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

func TestRead_State(t *testing.T) {
	l := mustRead(t, small(t))
	s := l.State()
	if s.Organization != "Example <Org> & Söhne" || s.Rehearsal || s.Sequence != 1 || s.Entries != 13 || len(l.Entries()) != 13 {
		t.Errorf("state is %+v", s)
	}
	if len(s.Authorities["tsa"]) != 2 || len(s.Authorities["root"]) != 1 || len(s.Logs["rekor"]) != 1 || len(s.Apps["deploy"]) != 1 {
		t.Errorf("generations are %+v %+v %+v", s.Authorities, s.Logs, s.Apps)
	}
	if err := s.CheckSerial(big.NewInt(0x7f)); err == nil {
		t.Error("a withheld serial is free")
	}
	if err := s.CheckSerial(big.NewInt(0x80)); err != nil {
		t.Error(err)
	}
	if len(s.Digests) != 3*2+3 || len(s.Records) != 1 {
		t.Errorf("%d digests, %d records", len(s.Digests), len(s.Records))
	}
	if len(l.Torn()) != 0 || s.Torn != 0 {
		t.Error("a whole ledger is torn")
	}
}

func TestAppend_StateEqualsRead(t *testing.T) {
	path := newLedger(t)
	s, err := Append(path, "", after(1), certificate("root", 1, day), certificate("tsa", 1, day), logKey("rekor", 1, day))
	if err != nil {
		t.Fatal(err)
	}
	if got := mustRead(t, path).State(); !reflect.DeepEqual(got, s) {
		t.Errorf("Append says\n%+v\nRead says\n%+v", s, got)
	}
}

func TestAppend_ExpectHead(t *testing.T) {
	path := newLedger(t)
	head := mustRead(t, path).State().Head
	s, err := Append(path, head, day, certificate("root", 1, day))
	if err != nil {
		t.Fatal(err)
	}
	before := bytesOf(t, path)
	if _, err := Append(path, head, day, certificate("tsa", 1, day)); fault.ExitCode(err) != int(fault.Verification) {
		t.Fatalf("error %v", err)
	}
	if !bytes.Equal(before, bytesOf(t, path)) {
		t.Error("a refused append changed the ledger")
	}
	if _, err := Append(path, s.Head, day, certificate("tsa", 1, day)); err != nil {
		t.Error(err)
	}
}

func TestCreate_NeverReplaces(t *testing.T) {
	path := small(t)
	before := bytesOf(t, path)
	if err := Create(path, Created{Organization: "x"}, day); !errors.Is(err, fs.ErrExist) {
		t.Errorf("error %v, want fs.ErrExist", err)
	}
	if !bytes.Equal(before, bytesOf(t, path)) {
		t.Error("the ledger was changed")
	}
}

func TestRead_Missing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.jsonl")
	if _, err := Read(path); !errors.Is(err, fs.ErrNotExist) || fault.Hint(err) == "" {
		t.Errorf("read: error %v", err)
	}
	if _, err := Append(path, "", day, certificate("root", 1, day)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("append: error %v", err)
	}
}

func TestCheckHead(t *testing.T) {
	path := small(t)
	head := mustRead(t, path).State().Head
	if _, err := Append(path, "", after(1000), certificate("tsa", 3, after(30))); err != nil {
		t.Fatal(err)
	}
	l := mustRead(t, path)
	if err := l.CheckHead(head); err != nil {
		t.Error(err)
	}
	if err := l.CheckHead(l.State().Head); err != nil {
		t.Error(err)
	}
	// cut by a whole line: only a head kept elsewhere shows it.
	data := bytesOf(t, path)
	cut, err := Parse(data[:bytes.LastIndexByte(data[:len(data)-1], '\n')+1])
	if err != nil {
		t.Fatal(err)
	}
	if err := cut.CheckHead(l.State().Head); fault.ExitCode(err) != int(fault.Verification) {
		t.Errorf("a ledger that was cut passes: %v", err)
	}
	if err := l.CheckHead(""); err == nil {
		t.Error("an empty head passes")
	}
}

func TestVerifyFiles(t *testing.T) {
	l := mustRead(t, small(t))
	fsys := fstest.MapFS{}
	for path := range l.State().Digests {
		fsys[path] = &fstest.MapFile{Data: []byte(path)} // what digestOf was taken of
	}
	if err := l.VerifyFiles(fsys); err != nil {
		t.Fatal(err)
	}
	delete(fsys, "logs/rekor/g1/key.pem")
	fsys["authorities/tsa/g1/chain.pem"].Data = []byte("another chain")
	fsys["authorities/tsa/g2/chain.pem"].Mode = fs.ModeDir
	err := l.VerifyFiles(fsys)
	if fault.ExitCode(err) != int(fault.Verification) {
		t.Fatalf("error %v", err)
	}
	for _, path := range []string{"logs/rekor/g1/key.pem", "authorities/tsa/g1/chain.pem", "authorities/tsa/g2/chain.pem"} {
		if !strings.Contains(err.Error(), path) {
			t.Errorf("%s is not named in\n%v", path, err)
		}
	}
	if n := strings.Count(err.Error(), "\n") + 1; n != 3 {
		t.Errorf("%d files are named, want 3:\n%v", n, err)
	}
}

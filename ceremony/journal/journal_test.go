package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/internal/fault"
)

var testHead = Head{
	Ceremony:      "founding",
	RequestDigest: strings.Repeat("ab", 32),
	Token:         31337001,
	BinarySHA256:  strings.Repeat("cd", 32),
}

func testClock() time.Time { return time.Date(2026, 11, 2, 9, 14, 3, 987654321, time.UTC) }

func create(t *testing.T) (*Journal, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	j, err := Create(path, testHead, testClock, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { must(t, j.Close()) })
	return j, path
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	return data
}

// day writes a short ceremony: a finding, a step that fails and is done again,
// and the end.
func day(j *Journal) error {
	return errors.Join(
		j.Note(KindHost, "", map[string]any{"interfaces": []string{}, "clock": "set"}),
		j.Intent("sign fulcio", map[string]string{"serial": "4f", "tbs": "MIIB<&>"}),
		j.Note(KindFailed, "sign fulcio", map[string]string{"error": "touch timed out"}),
		j.Intent("sign fulcio", map[string]string{"tbs": "MIIB<&>", "serial": "4f"}),
		j.Result("sign fulcio", map[string]string{"certificate": "PEM"}),
		j.Finish(nil),
	)
}

func TestJournal_Day(t *testing.T) {
	j, path := create(t)
	must(t, day(j))
	data := readFile(t, path)
	entries, err := Verify(data)
	must(t, err)
	if len(entries) != 7 || len(j.chain.entries) != 7 {
		t.Fatalf("%d entries in the file, %d in memory, want 7", len(entries), len(j.chain.entries))
	}
	if HeadOf(data) != j.chain.tip.Head() {
		t.Errorf("HeadOf is %s, Head %s", HeadOf(data), j.chain.tip.Head())
	}
	if head, err := Opening(entries); err != nil || head != testHead || j.Opening() != testHead {
		t.Errorf("opening is %v (%v), want %v", head, err, testHead)
	}
	if e := entries[4]; e.Attempt != 2 || e.Step != "sign fulcio" || e.Kind != KindIntent {
		t.Errorf("entry 5 is %+v, want the second attempt", e)
	}
	second, _, _ := strings.Cut(strings.SplitN(string(data), "\n", 3)[1], "\n")
	want := `{"seq":2,"prev":"` + entries[1].Prev + `","time":"2026-11-02T09:14:03Z","kind":"host","data":{"clock":"set","interfaces":[]}}`
	if second != want {
		t.Errorf("line 2 is\n%s\nwant\n%s", second, want)
	}
	if !strings.Contains(string(data), `"tbs":"MIIB<&>"`) {
		t.Error("the data is not readable as it was given")
	}
}

func TestJournal_Last(t *testing.T) {
	j, _ := create(t)
	if s := j.Last("generate"); s.State != None || s.Intent != nil || s.Result != nil || s.Attempt != 0 {
		t.Errorf("before: %+v", s)
	}
	must(t, j.Intent("generate", map[string]string{"slot": "9c"}))
	if s := j.Last("generate"); s.State != Intended || s.Attempt != 1 || string(s.Intent) != `{"slot":"9c"}` || s.Result != nil {
		t.Errorf("intended: %+v", s)
	}
	must(t, j.Note(KindFailed, "generate", nil))
	if s := j.Last("generate"); s.State != Failed || s.Attempt != 1 || s.Intent == nil {
		t.Errorf("failed: %+v", s)
	}
	must(t, j.Intent("generate", map[string]string{"slot": "9c"}))
	must(t, j.Result("generate", nil))
	if s := j.Last("generate"); s.State != Done || s.Attempt != 2 || string(s.Result) != `{}` {
		t.Errorf("done: %+v", s)
	}
}

func TestJournal_Refusals(t *testing.T) {
	j, path := create(t)
	must(t, j.Intent("open", map[string]int{"a": 1}))
	must(t, j.Intent("done", nil))
	must(t, j.Result("done", nil))
	before := readFile(t, path)
	refused := func(what, want string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %q", what, err, want)
		}
	}
	refused("done step again", "is done already", j.Intent("done", nil))
	refused("other data", "begun with other data", j.Intent("open", map[string]int{"a": 2}))
	refused("result without intent", "no open intent", j.Result("never", nil))
	refused("second result", "no open intent", j.Result("done", nil))
	refused("failure without intent", "no open intent", j.Note(KindFailed, "never", nil))
	refused("intent without step", "names its step", j.Intent("", nil))
	refused("close with an open step", "how these steps ended: open", j.Finish(nil))
	refused("a kind with its own method", "not a note", j.Note(KindClose, "", nil))
	refused("a kind of capitals", "lower-case word", j.Note("Host", "", nil))
	refused("a step with a newline", "printable", j.Note("host", "a\nb", nil))
	refused("data that is a list", "not a JSON object", j.Note("host", "", []int{1}))
	refused("data that does not encode", "data", j.Note("host", "", map[string]any{"f": func() {}}))
	refused("a line too long", "bytes", j.Note("shown", "", map[string]string{"t": strings.Repeat("x", maxLine)}))
	if !bytes.Equal(readFile(t, path), before) || len(j.chain.entries) != 4 {
		t.Fatal("a refused entry changed the journal")
	}
	must(t, j.Result("open", nil))
	must(t, j.Finish(nil))
	refused("note after the end", "is closed", j.Note("host", "", nil))
	must(t, j.Close())
	refused("note after Close", "is closed", j.Note("host", "", nil))
}

func TestCreate_ExistsAlready(t *testing.T) {
	j, path := create(t)
	must(t, j.Close())
	if _, err := Create(path, testHead, testClock, nil); fault.ExitCode(err) != int(fault.Usage) {
		t.Fatalf("got %v, want a usage fault", err)
	}
}

func TestCreate_EmptyHead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	if _, err := Create(path, Head{}, testClock, nil); err == nil {
		t.Fatal("a head without ceremony was taken")
	}
	if _, err := os.Stat(path); err == nil {
		t.Fatal("a file was made")
	}
}

func TestOpen_GoesOn(t *testing.T) {
	j, path := create(t)
	must(t, j.Intent("sign tsa", map[string]string{"tbs": "AA=="}))
	must(t, j.Close())
	again, err := Open(path, testClock, nil)
	must(t, err)
	defer func() { must(t, again.Close()) }()
	if again.Opening() != testHead || again.chain.tip.Head() != HeadOf(readFile(t, path)) {
		t.Error("the head changed")
	}
	if s := again.Last("sign tsa"); s.State != Intended {
		t.Fatalf("state is %s", s.State)
	}
	must(t, again.Intent("sign tsa", json.RawMessage(`{ "tbs": "AA==" }`)))
	must(t, again.Result("sign tsa", nil))
	must(t, again.Finish(nil))
	if _, err := Verify(readFile(t, path)); err != nil {
		t.Fatal(err)
	}
}

func TestOpen_LockedByAnother(t *testing.T) {
	_, path := create(t)
	if _, err := Open(path, testClock, nil); !errors.Is(err, durable.ErrLocked) {
		t.Fatalf("got %v, want that another process has it", err)
	}
}

func TestOpen_NotAFile(t *testing.T) {
	j, path := create(t)
	must(t, j.Close())
	link := filepath.Join(t.TempDir(), "journal.jsonl")
	must(t, os.Symlink(path, link))
	huge := filepath.Join(t.TempDir(), "huge")
	must(t, os.WriteFile(huge, nil, 0o600))
	must(t, os.Truncate(huge, 10<<30))
	for _, p := range []string{link, huge, t.TempDir()} {
		if _, err := Open(p, testClock, nil); fault.ExitCode(err) != int(fault.Verification) {
			t.Errorf("%s: got %v, want a verification fault", p, err)
		}
	}
}

func TestIntent_StepUpToItsLength(t *testing.T) {
	j, _ := create(t)
	longest := strings.Repeat("s", 128)
	if err := j.Intent(longest+"s", nil); err == nil {
		t.Error("a step of 129 characters was written")
	}
	if err := j.Intent(longest, nil); err != nil {
		t.Errorf("a step of 128 characters: %v", err)
	}
}

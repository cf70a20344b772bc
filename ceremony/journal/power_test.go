package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// The environment of a child process of these tests.
const (
	envPath = "JOURNAL_TEST_PATH"
	envCut  = "JOURNAL_TEST_CUT" // the number of the point at which the child kills itself
)

// ceremony opens or creates a journal and walks it to its end, from wherever
// it stands.
func ceremony(path string, hook func(string) error) (err error) {
	j, err := Open(path, testClock, hook)
	if errors.Is(err, fs.ErrNotExist) {
		j, err = Create(path, testHead, testClock, hook)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	for _, step := range []string{"generate", "sign root", "sign fulcio"} {
		if j.Last(step).State == Done {
			continue
		}
		if err := j.Intent(step, map[string]string{"of": step}); err != nil {
			return err
		}
		if err := j.Result(step, map[string]string{"made": step}); err != nil {
			return err
		}
	}
	if j.Finished() {
		return nil
	}
	return j.Finish(nil)
}

// checkEnd wants a finished journal with each step done once.
func checkEnd(t *testing.T, what, path string) {
	t.Helper()
	entries, err := Verify(readFile(t, path))
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	done := map[string]int{}
	for _, e := range entries {
		if e.Kind == KindResult {
			done[e.Step]++
		}
	}
	if fmt.Sprint(done) != "map[generate:1 sign fulcio:1 sign root:1]" {
		t.Fatalf("%s: results %v", what, done)
	}
}

// TestMain is also the process that the power cuts kill.
func TestMain(m *testing.M) {
	if path := os.Getenv(envPath); path != "" {
		os.Exit(cutCeremony(path, os.Getenv(envCut)))
	}
	os.Exit(m.Run())
}

// cutCeremony walks the ceremony until the point whose number is cut, and
// kills its own process there.
func cutCeremony(path, cut string) int {
	n := 0
	err := ceremony(path, func(string) error {
		if n++; strconv.Itoa(n) == cut {
			return syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		return nil
	})
	if err != nil {
		fmt.Println(err, fault.Hint(err))
	}
	return fault.ExitCode(err)
}

func child(path string, cut int, wrap ...string) ([]byte, error) {
	args := append(wrap, os.Args[0])
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), envPath+"="+path, envCut+"="+strconv.Itoa(cut))
	return cmd.CombinedOutput()
}

func TestJournal_KilledAnywhere(t *testing.T) {
	points := 0
	for cut := 1; ; cut++ {
		path := filepath.Join(t.TempDir(), "journal.jsonl")
		out, err := child(path, cut)
		if err == nil {
			break // one more point than there are
		}
		if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("point %d: %v\n%s", cut, err, out)
		}
		points++
		if err := ceremony(path, func(string) error { return nil }); err != nil {
			t.Fatalf("point %d: resume: %v", cut, err)
		}
		checkEnd(t, fmt.Sprintf("point %d", cut), path)
	}
	if points != 16 {
		t.Fatalf("killed at %d points, want 16: two for each of eight writes", points)
	}
	t.Logf("killed at each of %d points", points)
}

func TestJournal_WriteErrorAnywhere(t *testing.T) {
	full := errors.New("no space left on device")
	for cut := 1; ; cut++ {
		path := filepath.Join(t.TempDir(), "journal.jsonl")
		n := 0
		err := ceremony(path, func(string) error {
			if n++; n == cut {
				return full
			}
			return nil
		})
		if err == nil {
			return
		}
		if !errors.Is(err, full) || !strings.Contains(fault.Hint(err), "run the same command again") {
			t.Fatalf("point %d: %v, hint %q", cut, err, fault.Hint(err))
		}
		if err := ceremony(path, func(string) error { return nil }); err != nil {
			t.Fatalf("point %d: resume: %v", cut, err)
		}
		checkEnd(t, fmt.Sprintf("point %d", cut), path)
	}
}

func TestJournal_RepairCutAnywhere(t *testing.T) {
	cutHere := errors.New("cut")
	for cut := 1; ; cut++ {
		j, path := create(t)
		must(t, j.Close())
		data := readFile(t, path)
		rest := []byte(`{"seq":2,"prev":"` + HeadOf(data))
		must(t, os.WriteFile(path, append(data, rest...), 0o600))
		n := 0
		j, err := Open(path, testClock, func(string) error {
			if n++; n == cut {
				return cutHere
			}
			return nil
		})
		if err == nil {
			must(t, j.Close())
			if cut != 7 {
				t.Fatalf("%d points, want 6", cut-1)
			}
			return
		}
		if !errors.Is(err, cutHere) {
			t.Fatalf("point %d: %v", cut, err)
		}
		j, err = Open(path, testClock, nil)
		if err != nil {
			t.Fatalf("point %d: open again: %v", cut, err)
		}
		checkTorn(t, filepath.Dir(path), j, rest)
		must(t, j.Close())
	}
}

func TestJournal_NothingAfterAWriteError(t *testing.T) {
	fail := false
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	j, err := Create(path, testHead, testClock, func(point string) error {
		if fail && strings.HasPrefix(point, "after") {
			return errors.New("cut")
		}
		return nil
	})
	must(t, err)
	defer func() { must(t, j.Close()) }()
	fail = true
	if err := j.Intent("generate", nil); err == nil {
		t.Fatal("no error")
	}
	fail = false
	if s := j.Last("generate"); s.State != None || len(j.chain.entries) != 1 {
		t.Fatalf("memory went on: %+v", s)
	}
	if err := j.Note("abort", "", nil); err == nil {
		t.Fatal("a line was written behind one in doubt")
	}
	if _, err := Read(readFile(t, path)); err != nil {
		t.Fatal(err)
	}
}

// The file size limit stands in for a full disk: the kernel takes a part of a
// line and refuses the rest.
func TestJournal_DiskFull(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	out, err := child(path, 0, "sh", "-c", `ulimit -f 2; exec "$0" "$@"`)
	if err == nil {
		t.Fatal("the limit did not bite")
	}
	if !strings.Contains(string(out), "free space and run the same command again") {
		t.Fatalf("%v\n%s", err, out)
	}
	entries, err := Read(readFile(t, path))
	if err != nil || len(entries) < 2 {
		t.Fatalf("%d entries: %v", len(entries), err)
	}
	must(t, ceremony(path, func(string) error { return nil }))
	checkEnd(t, "full disk", path)
}

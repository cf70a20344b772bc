package ledger

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// childTask in the environment makes this test binary append to the ledger
// that it names instead of running the tests.
const childTask = "LEDGER_TEST_TASK"

const childAppends = 25

func TestMain(m *testing.M) {
	name, path, child := strings.Cut(os.Getenv(childTask), "\n")
	if !child {
		os.Exit(m.Run())
	}
	for i := range childAppends {
		if _, err := Append(path, "", after(1), logKey(name, 2*i+1, day), logKey(name, 2*i+2, day)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// Several processes append at once; every line is whole, in its place, and the
// two of one write stand together.
func TestAppend_ProcessesNeverInterleave(t *testing.T) {
	path := newLedger(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const processes = 3
	var running []*exec.Cmd
	for i := range processes {
		c := exec.Command(exe)
		c.Env = append(os.Environ(), fmt.Sprintf("%s=log-%d\n%s", childTask, i, path))
		c.Stderr = new(bytes.Buffer)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		running = append(running, c)
	}
	for _, c := range running {
		if err := c.Wait(); err != nil {
			t.Fatalf("%v\n%s", err, c.Stderr)
		}
	}
	l := mustRead(t, path)
	entries := l.Entries()[1:]
	if len(entries) != 2*processes*childAppends {
		t.Fatalf("%d entries, want %d", len(entries), 2*processes*childAppends)
	}
	for i := 0; i < len(entries); i += 2 {
		if entries[i].Log.Name != entries[i+1].Log.Name {
			t.Fatalf("lines %d and %d are of two writes", i+2, i+3)
		}
	}
}

package virtual_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

// socketLink is what libpcsclite, which asks for its socket's name once in the
// life of a process, connects to: a link that each test points at its own
// daemon.
var socketLink string

func TestMain(m *testing.M) {
	if task := os.Getenv(childTask); task != "" {
		os.Exit(runChild(task))
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "virtual-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	socketLink = filepath.Join(dir, "socket")
	if err := os.Setenv("PCSCLITE_CSOCK_NAME", socketLink); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// insert starts readers for the cards and points libpcsclite at them.
func insert(t *testing.T, cards ...*virtual.Card) *virtual.Readers {
	t.Helper()
	if err := virtual.Missing(); err != nil {
		t.Fatalf("%v\n%s", err, fault.Hint(err))
	}
	readers, err := virtual.Start(t.Context(), t.TempDir(), cards...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := readers.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := os.RemoveAll(socketLink); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(readers.Socket(), socketLink); err != nil {
		t.Fatal(err)
	}
	return readers
}

func newCard(t *testing.T, o virtual.Options) *virtual.Card {
	t.Helper()
	card, err := virtual.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return card
}

package virtual_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

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

func newCard(t *testing.T, o virtual.Options) *virtual.Card {
	t.Helper()
	card, err := virtual.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return card
}

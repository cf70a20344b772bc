//go:build linux

package ceremony

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/needs"
)

// envFull says that the process has mounts of its own.
const envFull = "CEREMONY_TEST_MOUNTS"

// TestPower_DiskFull holds a ceremony on a stick of each size, page by page,
// from one that takes nothing to the first one that suffices, makes space, and
// runs the same command again.
func TestPower_DiskFull(t *testing.T) {
	needs.Time(t)
	t.Parallel()
	if os.Getenv(envFull) == "" {
		withMounts(t)
		return
	}
	base := newWorld(t)
	r := base.founding()
	for pages := 1; ; pages++ {
		w := base.again(t)
		stick(t, w.out(), 0, pages*os.Getpagesize())
		o := w.options(r)
		o.Linter = noLint{}
		_, err := Run(context.Background(), o)
		if err == nil {
			must(t, unix.Unmount(w.out(), 0))
			t.Logf("a full disk at each of %d sizes: resumed every time", pages-1)
			if pages < 25 {
				t.Errorf("only %d sizes", pages-1)
			}
			return
		}
		what := fmt.Sprintf("a stick of %d pages", pages)
		if !errors.Is(err, syscall.ENOSPC) || fault.ExitCode(err) != int(fault.Failure) || !strings.Contains(fault.Hint(err), "run the same command again") {
			t.Errorf("%s: exit code %d, hint %q: %v", what, fault.ExitCode(err), fault.Hint(err), err)
		}
		left, err := os.ReadDir(w.out())
		must(t, err)
		for _, e := range left {
			if !strings.HasSuffix(e.Name(), ".unfinished") {
				t.Errorf("%s: %s is left half made", what, e.Name())
			}
		}
		stick(t, w.out(), unix.MS_REMOUNT, 1<<24)
		w.finished(what, r, 0)
		must(t, unix.Unmount(w.out(), 0))
	}
}

// stick is a file system of a size in bytes.
func stick(t *testing.T, dir string, flags uintptr, size int) {
	t.Helper()
	must(t, unix.Mount("none", dir, "tmpfs", flags, fmt.Sprintf("size=%d", size)))
}

// withMounts runs the test again in a mount namespace of its own.
func withMounts(t *testing.T) {
	t.Helper()
	args := []string{"--mount"}
	if os.Getuid() != 0 {
		args = append(args, "--map-root-user")
	}
	cmd := exec.Command("unshare", append(args, os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")...)
	cmd.Env = append(os.Environ(), envFull+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "resumed every time") {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

package yubikey

import (
	"bytes"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// hardenChild marks the process that the test starts: hardening cannot be
// taken back.
const hardenChild = "TRUSTROOT_TEST_HARDEN"

func TestHarden_LeavesNoCoreAndNoDump(t *testing.T) {
	if runtime.GOOS != "linux" {
		if len(Harden()) == 0 {
			t.Error("nothing was done, and nothing was said")
		}
		return
	}
	if os.Getenv(hardenChild) == "" {
		c := exec.Command(os.Args[0], "-test.run=^TestHarden_LeavesNoCoreAndNoDump$", "-test.v")
		c.Env = append(os.Environ(), hardenChild+"=1")
		if out, err := c.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("PASS")) {
			t.Errorf("%v: %s", err, out)
		}
		return
	}
	left := strings.Join(Harden(), "\n")
	limits, err := os.ReadFile("/proc/self/limits")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(limits)) {
		if f := strings.Fields(line); strings.HasPrefix(line, "Max core file size") && (f[4] != "0" || f[5] != "0") {
			t.Errorf("%s", line)
		}
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	locked := -1
	for line := range strings.Lines(string(status)) {
		if f := strings.Fields(line); f[0] == "VmLck:" {
			locked, err = strconv.Atoi(f[1])
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if said := strings.Contains(left, "mlockall"); said == (locked > 0) {
		t.Errorf("%d kB are locked, and it says %q", locked, left)
	}
	if strings.Contains(left, "core") || strings.Contains(left, "prctl") {
		t.Errorf("not done: %s", left)
	}
	// the allocator must still work under the lock
	b := make([]byte, 64<<20)
	for i := 0; i < len(b); i += 4096 {
		b[i] = 1
	}
}

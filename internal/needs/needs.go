// Package needs skips tests on a machine that lacks a program, with the Debian
// package that brings it. Tests alone import it. scripts/test fails where
// anything was skipped for that.
package needs

import (
	"os/exec"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// Time skips a test that goes through every byte, kill or whole day in a run
// that is to be short.
func Time(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes its time: run without -short")
	}
}

// packages bring programs of other names.
var packages = map[string]string{"node": "nodejs"}

// Program skips the test unless each program is on the PATH.
func Program(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			from := packages[name]
			if from == "" {
				from = name
			}
			t.Skipf("%s is missing: sudo apt-get install %s", name, from)
		}
	}
}

// That skips the test for what a package says that it lacks.
func That(t testing.TB, missing error) {
	t.Helper()
	if missing != nil {
		t.Skipf("%v: %s", missing, fault.Hint(missing))
	}
}

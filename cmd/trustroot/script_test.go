package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/programs/offline"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"trustroot": main, "trustroot-offline": offlineMain, "kmslocal": kmslocal, "twin": makeTwin, "harbour": harbour, "typist": typist, "measured": measured, "served": served})
}

// TestScript plays one user story a file: the real command line, in a process
// of its own, against the real PC/SC daemon.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                tokenCommands(),
		Condition: func(name string) (bool, error) {
			if name != "corpus" {
				return false, fmt.Errorf("no condition %q", name)
			}
			return os.Getenv("TRUSTROOT_CORPUS") != "", nil
		},
		Setup: func(e *testscript.Env) error {
			e.Setenv("PROJECT", projectDir(t))
			e.Setenv("NO_COLOR", "1")
			e.Setenv("SPIRE_OUT", os.Getenv("SPIRE_OUT")) // scripts/spire-conformance takes what SPIRE's server is given
			e.Setenv("CORPUS", os.Getenv("TRUSTROOT_CORPUS"))
			// unix socket paths are short: the scripts' own folders are not
			e.Setenv("TMPDIR", os.TempDir())
			return nil
		},
	})
}

// projectDir is the folder that holds go.mod.
func projectDir(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// offlineMain is the program of the ceremony host, which is another main.
func offlineMain() { os.Exit(cmdutil.Main(offline.Program)) }

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/programs/offline"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/yubikey/virtual"
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
			e.Setenv("GORACE", os.Getenv("GORACE"))
			if missing := lacks(t, strings.TrimPrefix(filepath.Base(e.WorkDir), "script-")); missing != "" {
				e.T().Skip(missing)
			}
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

// lacks says what a script needs and the machine does not have.
func lacks(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "script", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"openssl", "yubico-piv-tool"} {
		if _, err := exec.LookPath(program); err != nil && bytes.Contains(text, []byte(program+" ")) {
			return program + " is missing: sudo apt-get install " + program
		}
	}
	if missing := virtual.Missing(); missing != nil && regexp.MustCompile(`\brehearse\b|token virtual`).Match(text) {
		return missing.Error() + ": " + fault.Hint(missing)
	}
	return ""
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

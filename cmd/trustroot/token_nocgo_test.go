package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/needs"
)

// TestToken_WithoutCGO builds the program as the build system does, without
// cgo: there every command that needs a token says so, and judging an
// attestation works.
func TestToken_WithoutCGO(t *testing.T) {
	needs.Time(t)
	dir := t.TempDir()
	program := filepath.Join(dir, "trustroot")
	build := exec.Command("go", "build", "-trimpath", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	text, err := os.ReadFile("../../pki/plan/testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	allowed := strings.Replace(string(text), "\nexceptions:", "\nexceptions:\n  - name: imported-root\n    reason: two safes", 1)
	if err := os.WriteFile(filepath.Join(dir, "pki.yaml"), []byte(allowed), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"list", "info", "info --serial 1", "provision --serial 1", "provision --for-root", "generate --serial 1 --slot 9c",
		"attest --serial 1 --out " + filepath.Join(dir, "none"), "sign-test --serial 1 --slot 9c", "unblock --serial 1", "reset --serial 1",
		"import --serial 1 --serial 2 --slot 9c --dir " + dir,
	} {
		cmd := exec.Command(program, append([]string{"token"}, strings.Fields(line)...)...)
		text, err := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != 4 || !strings.Contains(string(text), "error: this build has no PC/SC") ||
			!strings.Contains(string(text), "hint: build trustroot with CGO_ENABLED=1") {
			t.Errorf("token %s: %v\n%s", line, err, text)
		}
	}
	const pairs = "../../yubikey/attestation/testdata/"
	judge := exec.Command(program, "token", "verify-attestation", "--slot-cert", pairs+"slot-2020.pem", "--device-cert", pairs+"device-2020.pem",
		"--cert", pairs+"slot-2020.pem", "--at", "2026-11-22", "--json")
	text, err = judge.CombinedOutput()
	if err != nil || !strings.Contains(string(text), `"serial": 15732500`) {
		t.Errorf("verify-attestation: %v\n%s", err, text)
	}
}

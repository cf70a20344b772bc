package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"

	"github.com/linnemanlabs/trustroot/internal/needs"
)

// TestInstall_FromTheModulesZip installs the last commit as a stranger does with
// go install …/cmd/trustroot-verify@VERSION: from the zip that a module proxy
// makes of it, where no replacement applies, nested modules are missing, and so is
// whatever is generated and not committed.
func TestInstall_FromTheModulesZip(t *testing.T) {
	needs.Time(t)
	version := module.Version{Path: "github.com/linnemanlabs/trustroot", Version: "v0.0.0-20200101000000-000000000000"}
	proxy := t.TempDir()
	served := filepath.Join(proxy, version.Path, "@v")
	if err := os.MkdirAll(served, 0o755); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{".mod": mod, ".info": []byte(`{"Version":"` + version.Version + `"}`)} {
		if err := os.WriteFile(filepath.Join(served, version.Version+name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	archive, err := os.Create(filepath.Join(served, version.Version+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	if err := zip.CreateFromVCS(archive, version, "../..", "HEAD", ""); err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}

	bin, cache := t.TempDir(), t.TempDir()
	have, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "install", "-trimpath", version.Path+"/cmd/trustroot-verify@"+version.Version)
	cmd.Dir = bin // in no module
	cmd.Env = append(os.Environ(), "GOPROXY=file://"+proxy+",file://"+filepath.Join(strings.TrimSpace(string(have)), "cache", "download"),
		"GOMODCACHE="+cache, "GOBIN="+bin, "GOFLAGS=-modcacherw", "GONOSUMDB="+version.Path, "GOSUMDB=off", "CGO_ENABLED=0", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command(filepath.Join(bin, "trustroot-verify"), "--version").CombinedOutput()
	if err != nil || !strings.Contains(string(out), version.Version) {
		t.Errorf("%v: %s", err, out)
	}
}

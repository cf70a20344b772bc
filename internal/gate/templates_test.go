package gate

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTemplates holds that the policies that are handed out can be read, and that
// the pipelines beside them take no action that can be moved and fetch nothing
// unchecked.
func TestTemplates(t *testing.T) {
	for _, name := range []string{"policy.json", "policy-gitlab.json"} {
		if _, err := ReadPolicy(filepath.Join("../../templates/build", name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	pinned := regexp.MustCompile(`^[a-z-]+/[a-z-]+@[0-9a-f]{40} # v[0-9.]+$`)
	for _, name := range []string{"release.yml", "deploy.yml", "gitlab-ci.yml"} {
		data, err := os.ReadFile(filepath.Join("../../templates/build", name))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			if _, action, ok := strings.Cut(strings.TrimSpace(line), "uses: "); ok && !pinned.MatchString(action) {
				t.Errorf("%s: %s is not pinned by its commit", name, action)
			}
			if strings.Contains(line, "curl") || strings.Contains(line, "initialize") && !strings.Contains(line, "--root-checksum") {
				t.Errorf("%s: it fetches unchecked: %s", name, line)
			}
		}
	}
}

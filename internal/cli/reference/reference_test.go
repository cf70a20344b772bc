package reference_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/programs"
	"github.com/linnemanlabs/trustroot/internal/cli/reference"
	"github.com/linnemanlabs/trustroot/internal/needs"
)

func TestPages_MandocFindsNothing(t *testing.T) {
	needs.Program(t, "mandoc")
	dir := filepath.Join(t.TempDir(), "man1")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	pages := reference.Pages(programs.Trustroot(cmdutil.NewFactory(t.Context())), time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC))
	if len(pages) < 40 {
		t.Fatalf("%d pages", len(pages))
	}
	args := []string{"-Tlint"}
	for _, page := range pages {
		path := filepath.Join(dir, page.Name)
		if err := os.WriteFile(path, []byte(page.Text), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	out, _ := exec.CommandContext(t.Context(), "mandoc", args...).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		// it looks for other pages among the installed ones only
		if name, missing := strings.CutPrefix(line[strings.LastIndex(line, ": ")+2:], "Xr "); missing && strings.Contains(line, "referenced manual not found") {
			if _, err := os.Stat(filepath.Join(dir, strings.ReplaceAll(strings.TrimSpace(name), " ", "."))); err == nil {
				continue
			}
		}
		t.Error(strings.TrimSpace(line))
	}
}

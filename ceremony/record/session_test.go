package record

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

func TestReadSession_Bounded(t *testing.T) {
	dir := t.TempDir()
	if files, err := ReadSession(dir); err != nil || len(files) != 0 {
		t.Errorf("none: %v, %v", files, err)
	}
	session := filepath.Join(dir, SessionDir, "20261102T090000Z")
	if err := os.MkdirAll(session, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(session, "typescript"), []byte("shown"), 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := ReadSession(dir)
	if err != nil || string(files["20261102T090000Z/typescript"]) != "shown" {
		t.Errorf("read %v, %v", files, err)
	}
	film := filepath.Join(session, "film.mp4")
	if err := os.WriteFile(film, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(film, sessionLimits.File+1); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadSession(dir); fault.ExitCode(err) != int(fault.Usage) || !strings.Contains(fault.Hint(err), "--without-session") {
		t.Errorf("a film: %v", err)
	}
	if err := os.Remove(film); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(session, "link")); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadSession(dir); err == nil || !strings.Contains(err.Error(), "symbolic link") {
		t.Errorf("a link: %v", err)
	}
}

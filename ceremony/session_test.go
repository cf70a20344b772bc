package ceremony

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/ceremony/record"
)

func TestSession_RecordedBesideTheRecord(t *testing.T) {
	w := newWorld(t)
	made := w.hold(w.founding()).Record.Path
	away := filepath.Join(w.dir, "away")
	must(t, os.Rename(made, away))
	// the command stands for the ceremony: it shows something and leaves a record
	cmd := exec.Command("../scripts/ceremony-session", w.out(), "--", "sh", "-c", `echo "It can never leave the token."; cp -r "$0" "$1"; exit 3`, away, made)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 3 {
		t.Fatalf("the command's exit code is lost: %v\n%s", err, out)
	}
	sessions, err := filepath.Glob(filepath.Join(made, record.SessionDir, "*"))
	must(t, err)
	if len(sessions) != 1 {
		t.Fatalf("%v\n%s", sessions, out)
	}
	text, err := os.ReadFile(filepath.Join(sessions[0], "typescript"))
	must(t, err)
	if !strings.Contains(string(text), "It can never leave the token.") {
		t.Errorf("recorded: %s", text)
	}
	check := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
	check.Dir = sessions[0]
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	w.verify(made)
}

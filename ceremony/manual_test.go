package ceremony

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/ceremony/journal"
	"github.com/linnemanlabs/trustroot/ceremony/record"
	"github.com/linnemanlabs/trustroot/internal/term"
)

// TestManual_HasThePrompts wants every question of a ceremony in the manual,
// word by word: what is typed, and what yes and no mean.
func TestManual_HasThePrompts(t *testing.T) {
	data, err := os.ReadFile("../CEREMONY.md")
	must(t, err)
	manual := strings.Join(strings.Fields(string(data)), " ")
	for _, q := range everyQuestion(t) {
		prompt := strings.NewReplacer("Type Ada to", "Type NAME to", "Type Ben to", "Type NAME to").Replace(strings.TrimSpace(q.Prompt()))
		for _, text := range []string{prompt, q.Yes, q.No} {
			if !strings.Contains(manual, text) {
				t.Errorf("the manual does not have %q", text)
			}
		}
	}
}

// everyQuestion holds a ceremony on a machine with findings, cut once where
// a signature's answer is lost.
func everyQuestion(t *testing.T) []term.Question {
	t.Helper()
	w := newWorld(t)
	r := w.founding()
	o := w.options(r)
	operator := script()
	o.Operator, o.Host.Entropy = operator, 1
	w.chip.cut = func(point string) error {
		if point == "after device sign 9c" {
			w.chip.cut = nil
			return errCut
		}
		return nil
	}
	if _, err := Root(context.Background(), o); err == nil {
		t.Fatal("not cut")
	}
	_, err := Root(context.Background(), o)
	must(t, err)
	nobody := &day{Options: o, journal: nil}
	questions := append(operator.Asked, nobody.clockQuestion(""))
	if len(questions) < 12 {
		t.Fatalf("%d questions", len(questions))
	}
	return questions
}

// TestManual_AppendixRuns runs every command of the appendix in a record's
// folder, in one shell, as an auditor would paste them.
func TestManual_AppendixRuns(t *testing.T) {
	w := newWorld(t)
	made := w.hold(w.founding())
	anchored := w.anchor(made.Record.Path, "rekor/1")
	dir := filepath.Join(t.TempDir(), "copy")
	must(t, os.CopyFS(dir, os.DirFS(made.Record.Path)))
	// the test token's root stands for Yubico's
	must(t, os.WriteFile(filepath.Join(dir, "yubico.pem"), []byte(made.Request.Plan.Rehearsal.AttestationRoots), 0o644))
	commands := strings.ReplaceAll(appendix(t), "2026-11-09T10-00-00Z", anchored)
	cmd := exec.Command("bash", "-euo", "pipefail", "-c", commands)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, commands, out)
	}
	text := string(out)
	if strings.Contains(text, "broken") {
		t.Errorf("the journal's chain is said to be broken:\n%s", text)
	}
	digest := made.Request.Digest()
	for _, want := range []string{"\tSHA256SUMS\n", fmt.Sprintf("%x", digest), journal.HeadOf(made.Record.Files[record.Journal]), "fulcio-g1.pem: OK", "slot.pem: OK", "Verified OK", "1.3.6.1.4.1.41482.3.8", "Verification: OK", `"kind":"hashedrekord"`, w.pin("rekor/1")} {
		if !strings.Contains(text, want) {
			t.Errorf("the appendix does not print %q:\n%s", want, text)
		}
	}
}

// appendix is the manual's last part without its prose.
func appendix(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../CEREMONY.md")
	must(t, err)
	_, text, ok := strings.Cut(string(data), "\n## Appendix")
	if !ok {
		t.Fatal("no appendix")
	}
	var commands strings.Builder
	for line := range strings.Lines(text) {
		if command, ok := strings.CutPrefix(line, "    "); ok {
			commands.WriteString(command)
		}
	}
	return commands.String()
}

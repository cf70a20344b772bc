package ceremony

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/ceremony/journal"
	"github.com/linnemanlabs/trustroot/ceremony/record"
	"github.com/linnemanlabs/trustroot/internal/needs"
	"github.com/linnemanlabs/trustroot/internal/term"
)

// TestManual_HasThePrompts wants every question of a ceremony in the manual,
// word by word: what is typed, and what yes and no mean.
func TestManual_HasThePrompts(t *testing.T) {
	data, err := os.ReadFile("../CEREMONY.md")
	must(t, err)
	manual := strings.Join(strings.Fields(string(data)), " ")
	for _, q := range everyQuestion(t) {
		prompt := strings.NewReplacer("Type Ada to", "Type NAME to", "Type Ben to", "Type NAME to", "Type Cy to", "Type NAME to").Replace(strings.TrimSpace(q.Prompt()))
		prompt = regexp.MustCompile(`^Type word \d+ from`).ReplaceAllString(prompt, "Type word N from")
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
	if _, err := Run(context.Background(), o); err == nil {
		t.Fatal("not cut")
	}
	_, err := Run(context.Background(), o)
	must(t, err)
	questions := append(operator.Asked, clockQuestion(""))
	if len(questions) < 22 {
		t.Fatalf("%d questions", len(questions))
	}
	return questions
}

// TestManual_AppendixRuns runs every command of the appendix in a record's
// folder, in one shell, as an auditor would paste them: before the record was
// anchored, and after.
func TestManual_AppendixRuns(t *testing.T) {
	needs.Program(t, "openssl")
	w := newWorld(t)
	made := w.hold(w.founding())
	wants := []string{"\tSHA256SUMS\n", fmt.Sprintf("%x", made.Request.Digest()), journal.HeadOf(made.Record.Files[record.Journal]), "fulcio-g1.pem: OK", "slot.pem: OK", "Verified OK", "1.3.6.1.4.1.41482.3.8"}
	anchors := []string{"Verification: OK", "Time stamp:", `"kind":"hashedrekord"`, w.pin("rekor/1")}
	text := runAppendix(t, made)
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("the appendix does not print %q:\n%s", want, text)
		}
	}
	for _, stray := range anchors {
		if strings.Contains(text, stray) {
			t.Errorf("the appendix prints %q of a record that was not anchored:\n%s", stray, text)
		}
	}
	w.anchor(made.Record.Path, "rekor/1")
	text = runAppendix(t, made)
	for _, want := range append(wants, anchors...) {
		if !strings.Contains(text, want) {
			t.Errorf("the appendix does not print %q:\n%s", want, text)
		}
	}
	// over the statement, and over the record key's signature
	if n := strings.Count(text, "Verification: OK"); n != 2 {
		t.Errorf("%d timestamps were verified:\n%s", n, text)
	}
}

// runAppendix returns what the appendix prints in a copy of the record.
func runAppendix(t *testing.T, made *Verified) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "copy")
	must(t, os.CopyFS(dir, os.DirFS(made.Record.Path)))
	// the test token's root stands for Yubico's
	must(t, os.WriteFile(filepath.Join(dir, "yubico.pem"), []byte(made.Request.Plan.Rehearsal.AttestationRoots), 0o644))
	commands := appendix(t)
	cmd := exec.Command("bash", "-euo", "pipefail", "-c", commands)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, commands, out)
	}
	if strings.Contains(string(out), "broken") {
		t.Errorf("the journal's chain is said to be broken:\n%s", out)
	}
	return string(out)
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

package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/programs"
	"github.com/linnemanlabs/trustroot/internal/needs"
	"github.com/linnemanlabs/trustroot/internal/pty"
	"github.com/linnemanlabs/trustroot/internal/rehearsal"
	"github.com/linnemanlabs/trustroot/internal/term"
)

// shownAt runs a command line in a copy of a trust directory, at a terminal of a
// width, and returns what a person sees.
func shownAt(t *testing.T, columns int, dir string, now time.Time, args ...string) string {
	t.Helper()
	master, slave, err := pty.Open(uint16(columns))
	must(t, err)
	seen := make(chan string)
	go func() {
		text, _ := io.ReadAll(master) // it ends with EIO when the other end is closed
		seen <- string(text)
	}()
	out := term.NewWriter(slave)
	f := &cmdutil.Factory{Out: out, Err: out, Operator: &term.Script{Out: out, Secrets: rehearsal.Secret}, Now: now, Dir: dir}
	cmdutil.Execute(t.Context(), f, programs.Trustroot(f), args)
	must(t, slave.Close())
	text := <-seen
	must(t, master.Close())
	return colours.ReplaceAllString(strings.ReplaceAll(text, "\r", ""), "")
}

var quoted = regexp.MustCompile("`[^`]*`")

var colours = regexp.MustCompile("\x1b\\[[0-9;]*m")

// copied reports whether a line is as wide as it is for a value that is copied: a
// command, or one value, after a label or none.
func copied(line string, columns int) bool {
	line = quoted.ReplaceAllStringFunc(line, func(command string) string { return strings.ReplaceAll(command, " ", "_") })
	for _, command := range []string{"trustroot ", "$", "`", "+"} {
		if strings.HasPrefix(strings.TrimLeft(line, " "), command) {
			return true
		}
	}
	at := strings.LastIndexByte(line, ' ') + 1
	return utf8.RuneCountInString(line[:at]) <= columns/2
}

// documents are commands that print a file, and takeTime those that play days or
// wait.
var (
	documents = []string{"plan schema", "ceremony report", "ceremony script", "trust render", "trusted-root build", "signing-config build", "kms policy", "help", "completion"}
	takeTime  = []string{"rehearse", "token virtual", "init", "adopt"}
)

// everyCommandFits runs every command at 80 and 60 columns in a copy of a trust
// directory, with arguments where it has something to show and without, and wants
// no line that is wider than the terminal but for what is copied whole.
func everyCommandFits(t *testing.T, dir string, now time.Time) {
	t.Helper()
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true") // no AWS takes part
	records, err := filepath.Glob(filepath.Join(dir, "ceremonies", "*"))
	must(t, err)
	shows := [][]string{
		{"status"}, {"status", "--verbose"}, {"next"}, {"next", "--as", "operator"}, {"next", "--as", "holder"}, {"next", "--as", "witness"},
		{"next", "--as", "second-person"}, {"plan", "check"}, {"ledger", "show"}, {"ledger", "verify"}, {"material", "show"},
		{"trusted-root", "show"}, {"trusted-root", "check"}, {"trusted-root", "lint", filepath.Join(dir, "trust", ".well-known", "trusted_root.json")},
		{"signing-config", "lint", filepath.Join(dir, "trust", ".well-known", "signing-config.json")},
		{"tuf", "verify", filepath.Join(dir, "tuf"), "--root", filepath.Join(dir, "tuf", "1.root.json"), "--rehearsal"},
		{"tuf", "stage", "targets"}, {"renew", "fulcio"}, {"cutover", "fulcio"}, {"compromise", "tsa"}, {"services", "check"}, {"services", "render", "all"},
		{"token", "info", "--serial", "1"}, {"kms", "list"}, {"version"}, {"nothing"}, {"status", "--nothing"},
		{"log", "key", filepath.Join(dir, "logs", "rekor", "g1", "key.pem"), "--origin", "rekor.example.com"},
	}
	for _, r := range records {
		shows = append(shows, []string{"ceremony", "verify", r, "--rehearsal"}, []string{"request", "show", filepath.Join(r, "sealed", "request")})
	}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		_, path, _ := strings.Cut(c.CommandPath(), " ")
		if slices.ContainsFunc(append(documents, takeTime...), func(p string) bool { return path == p || strings.HasPrefix(path, p+" ") }) {
			return
		}
		if c.Runnable() {
			shows = append(shows, strings.Fields(path))
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(programs.Trustroot(&cmdutil.Factory{Dir: dir}))
	kept := os.Getenv("WIDTH_KEEP")
	for _, columns := range []int{80, 60} {
		there := filepath.Join(t.TempDir(), "copy")
		must(t, os.CopyFS(there, os.DirFS(dir)))
		t.Chdir(there) // what is written lands there
		var all strings.Builder
		for _, args := range shows {
			for i, arg := range args {
				args[i] = strings.Replace(arg, dir, there, 1)
			}
			shown := shownAt(t, columns, there, now, args...)
			for i := range args {
				args[i] = strings.Replace(args[i], there, dir, 1)
			}
			all.WriteString("$ trustroot " + strings.Join(args, " ") + "\n" + shown + "\n")
			for line := range strings.SplitSeq(shown, "\n") {
				if n := utf8.RuneCountInString(line); n > columns && !copied(line, columns) {
					t.Errorf("trustroot %s at %d columns: %d: %q", strings.Join(args, " "), columns, n, line)
				}
			}
		}
		if kept != "" {
			must(t, os.WriteFile(filepath.Join(kept, strings.Repeat("n", columns/20)+".txt"), []byte(all.String()), 0o644))
		}
	}
}

// TestOutput_FitsTheTerminal has every command say what it says of a rehearsal.
// scripts/decade does the same after twelve years.
func TestOutput_FitsTheTerminal(t *testing.T) {
	needs.Time(t)
	everyCommandFits(t, rehearsed(t, "WIDTH_DIR"), time.Now().UTC())
}

// rehearsed is the folder of a rehearsal: one that is there already and that the
// variable names, to look at, or a new one.
func rehearsed(t *testing.T, variable string) string {
	t.Helper()
	if dir := os.Getenv(variable); dir != "" {
		return dir
	}
	dir := filepath.Join(t.TempDir(), "r")
	if text, err := exec.Command(program(t), "rehearse", "--out", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return dir
}

//go:build linux

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/pki/plan"
)

// completes types beginnings and a tab into an interactive shell, and wants each
// to become a whole line.
func completes(t *testing.T, shell []string, ready string, lines map[string]string) {
	t.Helper()
	bin := filepath.Dir(program(t))
	cmd := exec.Command("script", "--quiet", "--return", "--command", strings.Join(shell, " "), os.DevNull)
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "TERM=dumb", "PS1=", "HOME="+t.TempDir(), "HISTFILE=")
	keyboard, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	screen, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out := make(chan []byte, 100)
	go func() {
		defer close(out)
		for {
			b := make([]byte, 4096)
			n, err := screen.Read(b)
			if err != nil {
				return
			}
			out <- b[:n]
		}
	}()
	var seen bytes.Buffer
	await := func(text string) {
		t.Helper()
		late := time.After(time.Minute)
		for !strings.Contains(seen.String(), text) {
			select {
			case b, ok := <-out:
				if !ok {
					t.Fatalf("the shell ended: %q", seen.String())
				}
				seen.Write(b)
			case <-late:
				t.Fatalf("never %q, but %q", text, seen.String())
			}
		}
	}
	typed := func(text string) {
		t.Helper()
		if _, err := keyboard.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	typed("stty cols 300; " + ready + "; echo rea''dy\n")
	await("ready\r\n")
	for begun, whole := range lines {
		seen.Reset()
		typed(begun + "\t")
		await(whole)
		typed("\x15") // clear the line
	}
	typed("exit\n")
	_ = cmd.Wait() // the shell's last code says nothing here
}

// Names of a real plan are offered in the shells that people use.
func TestCompletion_OffersThePlansNames(t *testing.T) {
	dir := t.TempDir()
	text, err := plan.Example{
		Organization: "example.com", Name: "Example", Domain: "example.com", NotBefore: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC), Token: 10000001,
		Holders: []plan.ExampleHolder{{Name: "alice", Token: 20000001}, {Name: "bob", Token: 20000002}, {Name: "carol", Token: 20000003}}, Threshold: 2,
	}.Render()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "pki.yaml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, shell := range map[string]struct {
		start []string
		ready string
	}{
		"bash": {[]string{"bash", "--norc", "--noprofile", "-i"}, ". /usr/share/bash-completion/bash_completion; . <(trustroot completion bash)"},
		"zsh":  {[]string{"zsh", "-f", "-i"}, "autoload -U compinit; compinit -u; . <(trustroot completion zsh)"},
	} {
		if _, err := exec.LookPath(name); err != nil {
			t.Errorf("install %s and bash-completion: %v", name, err)
			continue
		}
		t.Run(name, func(t *testing.T) {
			completes(t, shell.start, shell.ready, map[string]string{
				"trustroot --dir " + dir + " renew ful":                         "renew fulcio",
				"trustroot --dir " + dir + " tuf invite al":                     "invite alice",
				"trustroot --dir " + dir + " tuf sign x --serial 100":           "--serial 10000001",
				"trustroot --dir " + dir + " request create --ceremony foundin": "--ceremony founding",
			})
		})
	}
}

package pty

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestRun_AProgramThatLetsGoOfIt: the sandbox runs a program again with
// none of its files open, and the program opens /dev/tty only at its first
// question.
func TestRun_AProgramThatLetsGoOfIt(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", `exec 3>&-; sleep 0.2; printf 'Type go to continue: ' >/dev/tty; read -r a </dev/tty; echo "$a" >/dev/tty; [ "$a" = go ]`)
	var shown strings.Builder
	err := Run(cmd, Paper{}.Answer, &shown)
	if err != nil || strings.Count(shown.String(), "go\n") != 2 { // echoed, and said by the program
		t.Errorf("%v: %q", err, shown.String())
	}
}

//go:build linux && cgo

package attacks

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/rehearsal"
	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

// copiesWhileSigning is how many copies of a PIN docs/secrets.md says that the
// process holds while the token waits for a touch: what was typed, piv-go's
// string, and what is made of it on its way to the token.
const copiesWhileSigning = 6

// copies counts a secret in the memory of a process.
func copies(t *testing.T, pid int, secret string) (n int) {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	lines := bufio.NewScanner(bytes.NewReader(maps))
	for lines.Scan() {
		var from, to uint64
		var mode string
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &from, &to, &mode); err != nil || !strings.HasPrefix(mode, "rw") || strings.Contains(lines.Text(), "[v") {
			continue
		}
		const step = 1 << 20
		for at := from; at < to; at += step {
			b := make([]byte, min(to-at, step+uint64(len(secret))-1))
			if k, err := mem.ReadAt(b, int64(at)); err == nil || k > 0 {
				n += bytes.Count(b[:k], []byte(secret))
			}
		}
	}
	return n
}

// TestMemory_CopiesOfThePIN holds the number of copies of a PIN, at the prompt
// before it was typed and while the token waits for a touch.
func TestMemory_CopiesOfThePIN(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root reads the memory of a hardened process")
	}
	docs, err := os.ReadFile("../../docs/secrets.md")
	if err != nil {
		t.Fatal(err)
	}
	if said := fmt.Sprintf("at most %d copies of the PIN", copiesWhileSigning); !strings.Contains(string(docs), said) {
		t.Errorf("docs/secrets.md does not say %q", said)
	}
	w := newWorld(t)
	holder := tokenOf("holder.json")
	holder.Touch = virtual.Touch{Mode: virtual.TouchDelayed, Delay: 6 * time.Second}
	w.plug(holder)
	asked, typed := make(chan struct{}, 10), make(chan string)
	shown := newScreen(w, func(string) string {
		asked <- struct{}{}
		return <-typed
	})
	cmd := exec.Command(filepath.Join(built.programs, "trustroot"), "token", "sign-test", "--serial", "32000002", "--slot", "9a")
	cmd.Dir, cmd.Env = w.dir, append(os.Environ(), w.env...)
	shown.attach(cmd)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-asked:
	case <-time.After(20 * time.Second):
		t.Fatalf("no PIN is asked for\n%s", said.String())
	}
	before := copies(t, cmd.Process.Pid, rehearsal.PIN)
	typed <- rehearsal.PIN
	time.Sleep(3 * time.Second) // the token waits for its touch
	during := copies(t, cmd.Process.Pid, rehearsal.PIN) - before
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, said.String())
	}
	t.Logf("%d at the prompt, %d more while the token waits", before, during)
	if before > 0 || during < 1 || during > copiesWhileSigning {
		t.Errorf("%d copies of the PIN at the prompt and %d more while the token waits, want 0 and at most %d", before, during, copiesWhileSigning)
	}
}

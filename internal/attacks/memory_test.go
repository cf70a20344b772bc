//go:build linux && cgo

package attacks

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/needs"
	"github.com/linnemanlabs/trustroot/internal/rehearsal"
	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

// copiesWhileSigning is how many copies of a PIN docs/secrets.md says that the
// process holds while the token waits for a touch: what was typed, piv-go's
// string, and what is made of it on its way to the token.
const copiesWhileSigning = 6

// copies counts a secret in the memory of a process.
func copies(pid int, secret string) (n int, err error) {
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return 0, err
	}
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		return 0, err
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
	return n, nil
}

// documented wants docs/secrets.md to say how many copies there are, of a process
// whose memory this user can read.
func documented(t *testing.T, sentence string, n int) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root reads the memory of a hardened process")
	}
	docs, err := os.ReadFile("../../docs/secrets.md")
	if err != nil {
		t.Fatal(err)
	}
	if said := fmt.Sprintf(sentence, n); !strings.Contains(string(docs), said) {
		t.Errorf("docs/secrets.md does not say %q", said)
	}
}

// TestMemory_CopiesOfThePIN holds the number of copies of a PIN, at the prompt
// before it was typed and while the token waits for a touch.
func TestMemory_CopiesOfThePIN(t *testing.T) {
	documented(t, "at most %d copies of the PIN", copiesWhileSigning)
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
	before, err := copies(cmd.Process.Pid, rehearsal.PIN)
	if err != nil {
		t.Fatal(err)
	}
	typed <- rehearsal.PIN
	time.Sleep(3 * time.Second) // the token waits for its touch
	during, err := copies(cmd.Process.Pid, rehearsal.PIN)
	if err != nil {
		t.Fatal(err)
	}
	during -= before
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, said.String())
	}
	t.Logf("%d at the prompt, %d more while the token waits", before, during)
	if before > 0 || during < 1 || during > copiesWhileSigning {
		t.Errorf("%d copies of the PIN at the prompt and %d more while the token waits, want 0 and at most %d", before, during, copiesWhileSigning)
	}
}

// copiesAtTheEnd is how many copies of the PIN docs/secrets.md says that a
// founding holds.
const copiesAtTheEnd = 16

// TestMemory_CopiesOfThePINInAFounding plays the founding anew on the
// rehearsal's token, emptied, and counts the PIN at every question and while
// the token waits for each touch.
func TestMemory_CopiesOfThePINInAFounding(t *testing.T) {
	needs.Time(t)
	documented(t, "at most %d at the end of a founding", copiesAtTheEnd)
	w := newWorld(t)
	w.edit("rehearsal/token.json", func(v map[string]any) {
		v["keys"] = map[string]any{}
		for name := range v["objects"].(map[string]any) {
			if name != "5fc102" && name != "5fc109" { // the identifier and the management key
				delete(v["objects"].(map[string]any), name)
			}
		}
	})
	token := tokenOf("token.json")
	token.Touch = virtual.Touch{Mode: virtual.TouchDelayed, Delay: 3 * time.Second}
	w.plug(token)
	request := filepath.Join(w.tmp, "0001-founding.tar")
	if err := os.Link(w.path("rehearsal/usb/0001-founding.tar"), request); err != nil {
		t.Fatal(err)
	}
	words := map[string]string{}
	for _, m := range regexp.MustCompile(`(\d+) ([A-Za-z]+)`).FindAllStringSubmatch(w.ok("request", "show", request), -1) {
		words[m[1]] = m[2]
	}
	var cmd *exec.Cmd
	var steps []string
	first, most := -1, 0
	var mu sync.Mutex
	count := func(what string) error {
		mu.Lock()
		defer mu.Unlock()
		n, err := copies(cmd.Process.Pid, rehearsal.PIN)
		if err != nil {
			return err
		}
		if strings.Contains(what, "PIN") && first < 0 {
			first = n
		}
		most = max(most, n)
		steps = append(steps, fmt.Sprintf("%d at %s", n, what))
		return nil
	}
	started := make(chan struct{})
	shown := newScreen(w, func(screen string) string {
		<-started
		question := screen[strings.LastIndex(screen, "\n")+1:]
		if err := count(question); err != nil {
			t.Error(err)
		}
		if m := regexp.MustCompile(`word (\d+) from the paper`).FindStringSubmatch(question); m != nil {
			return words[m[1]]
		}
		return yes(screen)
	})
	cmd = exec.Command(filepath.Join(built.programs, "trustroot-offline"), w.paths([]string{"ceremony", "run", request, "--serial", fmt.Sprint(rehearsal.Serial), "--out", "{tmp}", "--rehearsal", "--allow-network"})...)
	cmd.Dir, cmd.Env = w.dir, append(os.Environ(), w.env...)
	shown.attach(cmd)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	close(started)
	ended := make(chan struct{})
	go func() { // the touches
		defer close(ended)
		for count("work") == nil {
			time.Sleep(500 * time.Millisecond)
		}
	}()
	err := cmd.Wait()
	<-ended
	text := shown.close()
	t.Log(strings.Join(steps, "\n"))
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, said.String(), text)
	}
	if first != 0 || len(steps) < 8 || most < 1 || most > copiesAtTheEnd {
		t.Errorf("%d copies when the PIN is asked for and at most %d afterwards, want 0 and at most %d", first, most, copiesAtTheEnd)
	}
}

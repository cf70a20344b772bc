//go:build linux && cgo

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/needs"
	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

// Secrets of the test: long and odd enough to stand nowhere by chance.
const (
	secretPIN    = "k7Q-wz4P"
	secretPUK    = "Zt9!mv2x"
	secretNewPIN = "h8#Lq3Ry"
	secretWrong  = "n5^Jd6Wc"
)

// watched runs commands against a virtual token and keeps all that anybody
// could have seen of them: what they print, the terminal, and their arguments
// and environment as the kernel shows them.
type watched struct {
	t       *testing.T
	program string
	dir     string
	env     []string
	seen    map[string][]byte
	card    *exec.Cmd
}

func watch(t *testing.T) *watched {
	t.Helper()
	w := &watched{t: t, program: program(t), dir: t.TempDir(), seen: map[string][]byte{}}
	w.env = append(os.Environ(), "NO_COLOR=1", "GOTRACEBACK=crash")
	out, err := os.Create(filepath.Join(w.dir, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(w.dir, "trace"))
	if err != nil {
		t.Fatal(err)
	}
	w.card = exec.Command(w.program, "token", "virtual", "--trace", "--state", "card.state", "--serial", "1001", "--touch", "300ms")
	w.card.Dir, w.card.Env, w.card.Stdout, w.card.Stderr = w.dir, w.env, out, log
	if err := errors.Join(w.card.Start(), out.Close(), log.Close()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = w.card.Process.Signal(os.Interrupt) // it may be gone already
		if err := w.card.Wait(); err != nil {
			t.Error(err)
		}
	})
	for range 300 {
		text, err := os.ReadFile(filepath.Join(w.dir, "socket"))
		if err == nil && bytes.HasSuffix(text, []byte("\n")) {
			w.env = append(w.env, strings.TrimSpace(string(text)))
			return w
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("the virtual token does not come up")
	return nil
}

// look keeps what the kernel shows of a process.
func (w *watched) look(name string, pid int) {
	for _, file := range []string{"cmdline", "environ"} {
		text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), file))
		if err != nil && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ESRCH) {
			w.t.Error(err)
		}
		w.keep(name+" "+file, text)
	}
}

func (w *watched) keep(name string, text []byte) {
	w.seen[name] = append(append(w.seen[name], '\n'), text...)
}

// answer is a line that is typed once the terminal shows a question.
type answer struct{ question, line string }

// run runs a command line to its end, looking at it at each question and
// after each answer, and returns its exit code.
func (w *watched) run(answers []answer, args ...string) int {
	w.t.Helper()
	cmd, p, done := w.start(args...)
	name := strings.Join(args[:2], " ")
	count := map[string]int{}
	for _, a := range answers {
		count[a.question]++
		p.await(w.t, a.question, count[a.question])
		w.look(name, cmd.Process.Pid)
		w.noCore(cmd.Process.Pid)
		if strings.HasPrefix(a.question, "Type ") {
			p.typeLine(w.t, a.line)
		} else {
			p.typeSecret(w.t, a.line)
		}
		w.look(name, cmd.Process.Pid)
	}
	late := time.AfterFunc(5*time.Minute, func() { _ = cmd.Process.Kill() }) // it waits for an answer more
	_ = cmd.Wait()                                                           // the exit code tells
	late.Stop()
	w.keep(name+" terminal", p.close(w.t))
	done()
	return cmd.ProcessState.ExitCode()
}

// start starts a command with core files allowed, which it has to take back.
func (w *watched) start(args ...string) (*exec.Cmd, *terminal, func()) {
	w.t.Helper()
	p := newTerminal(w.t)
	var out, log bytes.Buffer
	cmd := exec.Command("/bin/sh", append([]string{"-c", `ulimit -S -c "$(ulimit -H -c)"; exec "$@"`, "sh", w.program}, args...)...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = w.dir, w.env, &out, &log
	p.attach(cmd)
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	return cmd, p, func() {
		w.keep("output of "+strings.Join(args, " "), append(out.Bytes(), log.Bytes()...))
	}
}

// noCore checks that a process that asks for a secret cannot be dumped.
func (w *watched) noCore(pid int) {
	w.t.Helper()
	limits, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "limits"))
	if err != nil {
		w.t.Fatal(err)
	}
	for line := range strings.Lines(string(limits)) {
		if f := strings.Fields(line); strings.HasPrefix(line, "Max core file size") && (f[4] != "0" || f[5] != "0") {
			w.t.Errorf("process %d: %s", pid, line)
		}
	}
}

// managementKey is the one that provisioning made, from the token's own state.
func (w *watched) managementKey() []byte {
	w.t.Helper()
	data, err := os.ReadFile(filepath.Join(w.dir, "card.state"))
	if err != nil {
		w.t.Fatal(err)
	}
	var state struct{ Management struct{ Key []byte } }
	if err := json.Unmarshal(data, &state); err != nil || len(state.Management.Key) != 24 {
		w.t.Fatalf("no management key in the token's state: %v", err)
	}
	return state.Management.Key
}

// collect adds every file of the folder; the card's state is the card.
func (w *watched) collect() {
	w.t.Helper()
	err := filepath.WalkDir(w.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		w.keep("file "+d.Name(), text)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// nowhere checks that nothing that was seen holds a secret, in plain, hex or
// base64.
func (w *watched) nowhere(what string, secret []byte, but ...string) {
	w.t.Helper()
	forms := [][]byte{
		secret, []byte(hex.EncodeToString(secret)), []byte(strings.ToUpper(hex.EncodeToString(secret))),
		[]byte(base64.StdEncoding.EncodeToString(secret)), []byte(base64.URLEncoding.EncodeToString(secret)),
	}
	for name, text := range w.seen {
		for _, form := range forms {
			if bytes.Contains(text, form) && (len(but) == 0 || name != but[0]) {
				w.t.Errorf("%s holds the %s", name, what)
			}
		}
	}
}

func TestToken_SecretsAreSeenNowhere(t *testing.T) {
	needs.Time(t)
	needs.That(t, virtual.Missing())
	w := watch(t)
	expect := func(want, got int) {
		t.Helper()
		if got != want {
			t.Fatalf("exit code %d, want %d: %s", got, want, w.seen)
		}
	}
	pin := func(p string) []answer { return []answer{{"PIN of YubiKey 1001", p}} }
	slip := []answer{{"New PIN, 6 to 8 characters:", secretPIN}, {"New PIN, 6 to 8 characters, again", secretWrong}}
	expect(2, w.run(slices.Concat([]answer{{"Type 1001", "1001"}}, slip, slip, slip), "token", "provision", "--serial", "1001"))
	expect(0, w.run([]answer{
		{"Type 1001", "1001"},
		{"New PIN, 6 to 8 characters:", secretPIN}, {"New PIN, 6 to 8 characters, again", secretPIN},
		{"New PUK, 6 to 8 characters:", secretPUK}, {"New PUK, 6 to 8 characters, again", secretPUK},
	}, "token", "provision", "--serial", "1001"))
	expect(0, w.run(pin(secretPIN), "token", "generate", "--serial", "1001", "--slot", "9c", "--pin-policy", "always"))
	expect(0, w.run(pin(secretPIN), "token", "sign-test", "--serial", "1001", "--slot", "9c"))
	expect(4, w.run(slices.Repeat(pin(secretWrong), 3), "token", "sign-test", "--serial", "1001", "--slot", "9c"))
	unblock := func(puks ...string) []answer {
		answers := []answer{{"New PIN, 6 to 8 characters:", secretNewPIN}, {"New PIN, 6 to 8 characters, again", secretNewPIN}}
		for _, puk := range puks {
			answers = append(answers, answer{"PUK of YubiKey 1001", puk})
		}
		return answers
	}
	expect(4, w.run(unblock(secretWrong, secretWrong, secretWrong), "token", "unblock", "--serial", "1001"))
	expect(0, w.run(unblock(secretPUK), "token", "unblock", "--serial", "1001"))
	expect(0, w.run(nil, "token", "info", "--serial", "1001", "--json"))
	w.abort()

	w.look("card", w.card.Process.Pid)
	below := children(t, w.card.Process.Pid)
	if len(below) == 0 {
		t.Error("the virtual token runs no daemon")
	}
	for _, pid := range below {
		w.look("daemon", pid)
	}
	key := w.managementKey()
	w.collect()
	for _, name := range []string{"card cmdline", "daemon cmdline", "token generate cmdline", "token sign-test terminal", "file trace"} {
		if len(bytes.TrimSpace(w.seen[name])) == 0 {
			t.Errorf("nothing was seen of: %s", name)
		}
	}
	for what, secret := range map[string]string{"PIN": secretPIN, "PUK": secretPUK, "new PIN": secretNewPIN, "wrong PIN": secretWrong} {
		w.nowhere(what, []byte(secret))
	}
	w.nowhere("management key", key, "file card.state")
}

// abort kills a command that has the PIN and waits for a touch in the way that
// leaves a core file, if anything does.
func (w *watched) abort() {
	w.t.Helper()
	cmd, p, done := w.start("token", "sign-test", "--serial", "1001", "--slot", "9c")
	p.await(w.t, "PIN of YubiKey 1001", 1)
	p.typeSecret(w.t, secretNewPIN)
	p.await(w.t, "Touch YubiKey 1001 now", 1)
	if err := cmd.Process.Signal(syscall.SIGABRT); err != nil {
		w.t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	w.keep("abort terminal", p.close(w.t))
	done()
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() || status.CoreDump() {
		w.t.Errorf("after SIGABRT: %v", cmd.ProcessState)
	}
	cores, err := filepath.Glob(filepath.Join(w.dir, "*core*"))
	if err != nil || len(cores) > 0 {
		w.t.Errorf("core files: %v, %v", cores, err)
	}
}

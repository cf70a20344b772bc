//go:build linux && (amd64 || arm64)

package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// envChild makes the test binary the program that confines itself: a task as
// JSON.
const envChild = "SANDBOX_TEST_CHILD"

// task is what the child does. It reads and writes below Out alone.
type task struct {
	Out     string `json:"out"`
	Home    string `json:"home"`
	TCP     string `json:"tcp"`  // address of a listener
	Unix    string `json:"unix"` // path of a listener
	Free    bool   `json:"free"` // do it without Enter
	Fatal   string `json:"fatal"`
	Stick   bool   `json:"stick"`
	Threads int    `json:"threads"`
}

// outcome is what the child reports: an error's text by what it tried, empty
// where that worked.
type outcome struct {
	Before int               `json:"before"` // process that ran before
	Pid    int               `json:"pid"`
	Report Report            `json:"report"`
	Tried  map[string]string `json:"tried"`
}

func TestMain(m *testing.M) {
	text := os.Getenv(envChild)
	if text == "" {
		os.Exit(m.Run())
	}
	var t task
	err := json.Unmarshal([]byte(text), &t)
	if err == nil {
		err = child(t)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func child(t task) error {
	old := threads(t.Threads)
	o := outcome{Pid: os.Getpid(), Before: os.Getpid()}
	if !t.Free {
		var err error
		o.Before, o.Report, err = Enter(Paths{Write: []string{t.Out}}, func() (int, error) {
			_, err := os.ReadFile(filepath.Join(t.Home, ".ssh", "id"))
			return os.Getpid(), err
		})
		if err != nil {
			return err
		}
	}
	if t.Fatal != "" {
		fatal[t.Fatal]()
	}
	if t.Stick {
		return replug(t.Out)
	}
	o.Tried = map[string]string{}
	for name, try := range tries(t, old) {
		o.Tried[name] = ""
		if err := try(); err != nil {
			o.Tried[name] = err.Error()
		}
	}
	return json.NewEncoder(os.Stdout).Encode(o)
}

// threads starts threads that make a socket when asked.
func threads(n int) chan chan error {
	ask := make(chan chan error)
	for range n {
		go func() {
			runtime.LockOSThread()
			answer := <-ask
			_, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM, 0)
			answer <- err
			select {}
		}()
	}
	return ask
}

// tries are what the child does after Enter.
func tries(t task, old chan chan error) map[string]func() error {
	call := func(nr uintptr, args ...uintptr) func() error {
		a := append(args, 0, 0, 0, 0, 0, 0)
		return func() error {
			if _, _, errno := unix.Syscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5]); errno != 0 {
				return errno
			}
			return nil
		}
	}
	dial := func(network, address string) func() error {
		return func() error {
			c, err := net.Dial(network, address)
			if err != nil {
				return err
			}
			return c.Close()
		}
	}
	read := func(path string) func() error {
		return func() error { _, err := os.ReadFile(path); return err }
	}
	var byte0 byte
	iov := unix.Iovec{Base: &byte0, Len: 1}
	vec := uintptr(unsafe.Pointer(&iov))
	return map[string]func() error{
		"tcp":        dial("tcp", t.TCP),
		"udp":        dial("udp", t.TCP),
		"unix":       dial("unix", t.Unix),
		"netlink":    func() error { _, err := net.Interfaces(); return err },
		"pair":       func() error { _, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0); return err },
		"exec":       func() error { return exec.Command("/bin/true").Run() },
		"io_uring":   call(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&[120]byte{}))),
		"ptrace":     call(unix.SYS_PTRACE, unix.PTRACE_ATTACH, 0),
		"process_vm": call(unix.SYS_PROCESS_VM_READV, uintptr(os.Getpid()), vec, 1, vec, 1),
		"read ssh":   read(filepath.Join(t.Home, ".ssh", "id")),
		"read etc":   read("/etc/hostname"),
		"write home": func() error { return os.WriteFile(filepath.Join(t.Home, "new"), nil, 0o600) },
		"truncate":   func() error { return os.Truncate(filepath.Join(t.Home, ".ssh", "id"), 1) },
		"remove":     func() error { return os.Remove(filepath.Join(t.Home, "old")) },
		"write out":  func() error { return write(t.Out) },
		"self":       read("/proc/self/status"),
		"parent":     read(fmt.Sprintf("/proc/%d/status", os.Getppid())),
		"kill":       func() error { return unix.Kill(os.Getppid(), 0) },
		"zone":       func() error { _, err := time.LoadLocation("Europe/Berlin"); return err },
		"threads": func() error {
			for range t.Threads {
				answer := make(chan error)
				old <- answer
				if err := <-answer; err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// write does what an atomic write of a record does, and moves a file to
// another folder.
func write(out string) error {
	tmp := filepath.Join(out, ".tmp", "sealed")
	err := os.MkdirAll(tmp, 0o700)
	if err == nil {
		err = os.WriteFile(filepath.Join(tmp, "a"), []byte("a"), 0o600)
	}
	if err == nil {
		err = os.Rename(filepath.Join(tmp, "a"), filepath.Join(out, "a"))
	}
	if err == nil {
		err = os.Rename(filepath.Join(out, ".tmp"), filepath.Join(out, "record"))
	}
	if err == nil {
		err = os.RemoveAll(filepath.Join(out, "record"))
	}
	return err
}

// run runs the child.
func run(t *testing.T, do task, command ...string) ([]byte, error) {
	t.Helper()
	text, err := json.Marshal(do)
	if err != nil {
		t.Fatal(err)
	}
	command = append(command, os.Args[0])
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Env = append(os.Environ(), envChild+"="+string(text))
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, &stderr)
	}
	return out, err
}

// newTask is a task with listeners that answer and a home with a key.
func newTask(t *testing.T) task {
	t.Helper()
	do := task{Out: t.TempDir(), Home: t.TempDir(), Threads: 8}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	do.TCP, do.Unix = tcp.Addr().String(), filepath.Join(t.TempDir(), "s")
	local, err := net.Listen("unix", do.Unix)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = tcp.Close(), local.Close() })
	err = errors.Join(os.Mkdir(filepath.Join(do.Home, ".ssh"), 0o700),
		os.WriteFile(filepath.Join(do.Home, ".ssh", "id"), []byte("secret"), 0o600),
		os.WriteFile(filepath.Join(do.Home, "old"), nil, 0o600))
	if err != nil {
		t.Fatal(err)
	}
	return do
}

func outcomeOf(t *testing.T, do task) outcome {
	t.Helper()
	out, err := run(t, do)
	if err != nil {
		t.Fatal(err)
	}
	var o outcome
	if err := json.Unmarshal(out, &o); err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	return o
}

func TestEnter_TheKernelDenies(t *testing.T) {
	if landlockVersion() < 3 {
		t.Skipf("this kernel has Landlock version %d, the test wants 3 (Linux 6.2)", landlockVersion())
	}
	o := outcomeOf(t, newTask(t))
	want := map[string]string{
		"unix": "", "pair": "", "write out": "", "self": "", "zone": "",
		"tcp": "operation not permitted", "udp": "operation not permitted", "netlink": "operation not permitted", "threads": "operation not permitted",
		"exec": "operation not permitted", "io_uring": "operation not permitted", "ptrace": "operation not permitted", "process_vm": "operation not permitted",
		"read ssh": "permission denied", "read etc": "permission denied", "write home": "permission denied", "truncate": "permission denied", "remove": "permission denied",
		"parent": "permission denied",
	}
	if landlockVersion() >= 6 {
		want["kill"] = "operation not permitted"
	}
	for name, text := range want {
		if got, ok := o.Tried[name]; !ok || text == "" && got != "" || !strings.Contains(got, text) {
			t.Errorf("%s: got %q, want %q", name, got, text)
		}
	}
	if o.Before != o.Pid {
		t.Errorf("process %d looked before, process %d went on", o.Before, o.Pid)
	}
	if text := strings.Join(o.Report.Denied, "\n"); !strings.Contains(text, "io_uring") || !strings.Contains(text, "files outside /") {
		t.Errorf("the report says %s", text)
	}
}

// Without Enter everything works, so the test above is about the kernel.
func TestEnter_Control(t *testing.T) {
	do := newTask(t)
	do.Free = true
	for name, got := range outcomeOf(t, do).Tried {
		// containers often deny io_uring; there is no process 0 to trace
		if got != "" && name != "io_uring" && (name != "ptrace" || !strings.Contains(got, "no such process")) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestEnter_CallsOfOtherArchitectures(t *testing.T) {
	for name := range fatal {
		do := newTask(t)
		do.Fatal = name
		_, err := run(t, do)
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != unix.SIGSYS {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEnter_MarkSetFromOutside(t *testing.T) {
	for _, value := range []string{"", "0", "3", "99", "x", "-1"} {
		t.Setenv(envRestarted, value)
		if _, err := run(t, newTask(t)); err == nil || !strings.Contains(err.Error(), envRestarted) {
			t.Errorf("%q: %v", value, err)
		}
	}
}

func TestEnter_NamesAMissingFolder(t *testing.T) {
	do := newTask(t)
	do.Out = filepath.Join(do.Out, "none")
	if _, err := run(t, do); err == nil || !strings.Contains(err.Error(), do.Out) {
		t.Errorf("got %v", err)
	}
}

// replug writes to a stick, waits until another is in its place and writes to
// that.
func replug(out string) error {
	if err := os.WriteFile(filepath.Join(out, "first"), nil, 0o600); err != nil {
		return err
	}
	for range 1000 {
		if _, err := os.Stat(filepath.Join(out, "again")); err == nil {
			return write(out)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return errors.New("no other stick came")
}

func TestEnter_StickIsPulledAndPutBack(t *testing.T) {
	const swap = `mount -t tmpfs base /mnt; mkdir /mnt/stick; mount -t tmpfs one /mnt/stick
"$0" & child=$!
for i in $(seq 1000); do [ -e /mnt/stick/first ] && break; sleep 0.01; done
umount /mnt/stick; mount -t tmpfs two /mnt/stick; touch /mnt/stick/again
wait $child; cat /mnt/stick/a`
	if err := exec.Command("unshare", "--user", "--map-root-user", "--mount", "true").Run(); err != nil {
		t.Skipf("user and mount namespaces (util-linux): %v", err)
	}
	do := newTask(t)
	do.Out, do.Stick = "/mnt/stick", true
	out, err := run(t, do, "unshare", "--user", "--map-root-user", "--mount", "sh", "-ec", swap)
	if err != nil || string(out) != "a" {
		t.Errorf("got %q: %v", out, err)
	}
}

func TestReport_SaysWhatAKernelLacks(t *testing.T) {
	p := Paths{Write: []string{"/media/stick"}}
	for _, c := range []struct {
		landlock int
		filter   bool
		open     []string
	}{
		{7, true, []string{"Unix sockets"}},
		{5, true, []string{"Unix sockets", "abstract Unix sockets"}},
		{2, true, []string{"Unix sockets", "truncating", "commands to devices", "abstract Unix sockets"}},
		{0, true, []string{"Unix sockets", "files outside /media/stick"}},
		{0, false, []string{"Unix sockets", "sockets other than", "starting programs", "files outside"}},
	} {
		r := newReport(c.landlock, c.filter, p)
		if len(r.Open) != len(c.open) {
			t.Fatalf("version %d: open %q", c.landlock, r.Open)
		}
		for i, want := range c.open {
			if !strings.HasPrefix(r.Open[i], want) {
				t.Errorf("version %d: open %q, want %q", c.landlock, r.Open[i], want)
			}
		}
	}
}

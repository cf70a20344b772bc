package virtual

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// handOver gives pcscd its socket as systemd does: descriptor 3, and its own
// process number, which only the process itself knows before it starts.
const handOver = `LISTEN_PID=$$; export LISTEN_PID; exec "$@"`

// realReaders are names that begin those of tokens with a plug: the private
// daemon must not take one over. Its own readers are named otherwise.
const realReaders = "Yubico YubiKey:Yubico Yubikey 4:Yubico Yubikey NEO"

// daemon is a running pcscd.
type daemon struct {
	command *exec.Cmd
	output  tail
	exited  chan struct{} // closed when the process has been waited for
}

// startDaemon runs pcscd on a new socket with the readers of a configuration
// directory. At this level of verbosity it prints no APDU.
func startDaemon(path, socket, config string) (*daemon, error) {
	listener, err := listenUnix(socket)
	if err != nil {
		return nil, err
	}
	d := &daemon{exited: make(chan struct{})}
	d.command = exec.Command("/bin/sh", "-c", handOver, "sh", path, "--foreground", "--error", "--config", config) //nolint:noctx // it ends with the readers
	d.command.Env = []string{
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LISTEN_FDS=1",
		"PCSCLITE_FILTER_IGNORE_READER_NAMES=" + realReaders,
	}
	d.command.ExtraFiles = []*os.File{listener}
	d.command.Stdout, d.command.Stderr = &d.output, &d.output
	d.command.SysProcAttr = childAttributes()
	started := make(chan error, 1)
	go d.run(started)
	err = errors.Join(<-started, listener.Close())
	if err != nil {
		d.stop()
		return nil, fmt.Errorf("start pcscd: %w", err)
	}
	return d, nil
}

// run starts the process and waits for it on one and the same thread, which
// must live as long as the child: its end would be taken for ours.
func (d *daemon) run(started chan<- error) {
	defer close(d.exited)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := d.command.Start()
	started <- err
	if err == nil {
		// how it ended is told by its output
		_ = d.command.Wait()
	}
}

// listenUnix makes the socket and returns its descriptor. The file must be the
// only one, so that a dead daemon refuses connections instead of leaving them
// to wait.
func listenUnix(path string) (*os.File, error) {
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("socket for pcscd: %w", err)
	}
	listener.SetUnlinkOnClose(false)
	file, err := listener.File()
	if err := errors.Join(err, listener.Close(), os.Chmod(path, 0o600)); err != nil {
		return nil, fmt.Errorf("socket for pcscd: %w", err)
	}
	return file, nil
}

// grace is how long pcscd may take to end by itself.
const grace = time.Second

// stop ends the process and returns when it is gone.
func (d *daemon) stop() {
	d.signal(syscall.SIGTERM)
	select {
	case <-d.exited:
	case <-time.After(grace):
		d.kill()
		<-d.exited
	}
}

// kill ends the process at once and does not wait.
func (d *daemon) kill() { d.signal(syscall.SIGKILL) }

func (d *daemon) signal(s syscall.Signal) {
	if d.command.Process != nil {
		// the only failure is a process that has ended
		_ = d.command.Process.Signal(s)
	}
}

func (d *daemon) running() error {
	select {
	case <-d.exited:
		return fmt.Errorf("pcscd has ended: %s", d.output.String())
	default:
		return nil
	}
}

// tail keeps the end of what a process prints, for error texts.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailSize = 2048

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if extra := len(t.text) - tailSize; extra > 0 {
		t.text = bytes.Clone(t.text[extra:])
	}
	return len(p), nil
}

// String returns what was printed as one line.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := strings.Join(strings.Fields(string(t.text)), " ")
	if text == "" {
		return "it printed nothing"
	}
	return text
}

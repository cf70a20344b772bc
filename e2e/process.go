package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// launches are run by one thread that never ends: a child's Pdeathsig comes
// when the thread that started it does, not the process.
var launches = make(chan func())

func init() {
	go func() {
		runtime.LockOSThread()
		for launch := range launches {
			launch()
		}
	}()
}

// begin starts a command in a process group of its own that does not outlive
// this program, however it ends.
func begin(cmd *exec.Cmd, death syscall.Signal) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: death}
	started := make(chan error)
	launches <- func() { started <- cmd.Start() }
	return <-started
}

// process is a program that runs until it is stopped.
type process struct {
	name string
	cmd  *exec.Cmd
	log  string // file with all that it says
	done chan struct{}
}

// start starts a program that keeps running, its words in a file of the
// world's logs.
func (w *world) start(name string, env []string, program string, args ...string) (*process, error) {
	w.starts++
	p := &process{name: name, log: filepath.Join(w.dir, "logs", fmt.Sprintf("%02d-%s.log", w.starts, name)), done: make(chan struct{})}
	file, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer file.Close()                     //nolint:errcheck // the child has its own
	p.cmd = exec.Command(program, args...) //nolint:gosec // the programs that this is about
	p.cmd.Env, p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = append(w.env(), env...), w.dir, file, file
	if err := begin(p.cmd, syscall.SIGKILL); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended stands in its log
		close(p.done)
	}()
	w.running = append(w.running, p)
	return p, nil
}

// stop ends a process and its group: asked first, then made to. Fulcio, asked,
// waits for connections that its clients keep open.
func (p *process) stop() {
	_ = syscall.Kill(p.cmd.Process.Pid, syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(500 * time.Millisecond):
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.done
}

// said is the end of what a process wrote.
func (p *process) said() string {
	data, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return tail(string(data))
}

func tail(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if n := len(lines) - 15; n > 0 {
		lines = lines[n:]
	}
	return strings.Join(lines, "\n")
}

// until asks again until ready succeeds or the process is gone.
func (p *process) until(ctx context.Context, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended:\n%s", p.name, p.said())
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w\n%s", p.name, err, p.said())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// command runs a program to its end and returns its standard output. The error
// holds what it said, and its exit code.
func (w *world) command(ctx context.Context, env []string, program string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	cmd := exec.Command(program, args...) //nolint:gosec // the programs that this is about
	var out, all bytes.Buffer
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = append(w.env(), env...), w.dir, &out, &all
	// trustroot has a daemon of its own to stop: it is asked, the group is made to
	if err := begin(cmd, syscall.SIGTERM); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			err = &exitError{program: filepath.Base(program), code: cmd.ProcessState.ExitCode(), said: all.String() + out.String()}
		}
		return out.Bytes(), err
	case <-ctx.Done():
	}
	_ = syscall.Kill(cmd.Process.Pid, syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-ended
	}
	return nil, fmt.Errorf("%s: %w", filepath.Base(program), ctx.Err())
}

// exitError is a command that ended with another code than 0.
type exitError struct {
	program string
	code    int
	said    string
}

func (e *exitError) Error() string {
	return fmt.Sprintf("%s exits with %d:\n%s", e.program, e.code, tail(e.said))
}

// refused wants a command to have failed, saying text.
func refused(err error, text string) error {
	var exit *exitError
	switch {
	case err == nil:
		return errors.New("it was accepted")
	case !errors.As(err, &exit):
		return err
	case !strings.Contains(exit.said, text):
		return fmt.Errorf("it does not say %q: %w", text, err)
	}
	return nil
}

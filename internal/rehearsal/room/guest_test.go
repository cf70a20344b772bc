package room

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/linnemanlabs/trustroot/internal/rehearsal"
)

// guest is a running machine: its serial console and QEMU's monitor.
type guest struct {
	name    string
	request string // name of the request that is held
	began   time.Time
	command *exec.Cmd
	exited  chan struct{}
	console net.Conn
	monitor net.Conn
	log     io.Writer

	mu   sync.Mutex
	past []byte // of the console, matched since the run began
	seen []byte // of the console, not yet matched
	more chan struct{}
}

// boot starts a machine; everything that its console shows goes to the log.
func boot(ctx context.Context, name, dir string, m rehearsal.Machine, log io.Writer) (*guest, error) {
	console, monitor := filepath.Join(dir, name+".console"), filepath.Join(dir, name+".monitor")
	args := append(m.Args(), "-display", "none",
		"-serial", "unix:"+console+",server=on,wait=off", "-monitor", "unix:"+monitor+",server=on,wait=off")
	g := &guest{name: name, began: time.Now(), exited: make(chan struct{}), log: log, more: make(chan struct{}, 1)}
	g.command = exec.CommandContext(ctx, "qemu-system-x86_64", args...)
	g.command.Stdout, g.command.Stderr = log, log
	if err := g.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = g.command.Wait() // killed as often as not
		close(g.exited)
	}()
	var err error
	if g.console, err = g.dial(console); err != nil {
		return nil, err
	}
	if g.monitor, err = g.dial(monitor); err != nil {
		return nil, err
	}
	go g.read()
	if _, err := g.ask(""); err != nil {
		return nil, err
	}
	return g, nil
}

func (g *guest) dial(path string) (net.Conn, error) {
	for range 200 {
		if conn, err := net.Dial("unix", path); err == nil {
			return conn, nil
		}
		select {
		case <-g.exited:
			return nil, fmt.Errorf("%s: qemu ended at once", g.name)
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil, fmt.Errorf("%s: no socket %s", g.name, path)
}

func (g *guest) read() {
	buffer := make([]byte, 4096)
	for {
		n, err := g.console.Read(buffer)
		if err != nil {
			return
		}
		_, _ = g.log.Write(buffer[:n])
		g.mu.Lock()
		g.seen = append(g.seen, bytes.ReplaceAll(buffer[:n], []byte("\r"), nil)...)
		g.mu.Unlock()
		select {
		case g.more <- struct{}{}:
		default:
		}
	}
}

// wait returns which of the patterns the console shows first, with its groups,
// and takes everything up to its end.
func (g *guest) wait(limit time.Duration, patterns ...*regexp.Regexp) (int, []string, error) {
	deadline := time.After(limit)
	for {
		g.mu.Lock()
		best, at, groups := -1, []int(nil), []string(nil)
		for i, p := range patterns {
			if m := p.FindSubmatchIndex(g.seen); m != nil && (best < 0 || m[0] < at[0]) {
				best, at, groups = i, m, nil
				for _, s := range p.FindSubmatch(g.seen) {
					groups = append(groups, string(s))
				}
			}
		}
		if best >= 0 {
			g.past = append(g.past, g.seen[:at[1]]...)
			g.seen = g.seen[at[1]:]
		}
		rest := string(g.seen)
		g.mu.Unlock()
		if best >= 0 {
			return best, groups, nil
		}
		select {
		case <-g.more:
		case <-g.exited:
			return -1, nil, errGone
		case <-deadline:
			return -1, nil, fmt.Errorf("%s: after %s the console shows none of %v but %q", g.name, limit, patterns, rest)
		}
	}
}

// enter types a line as a person does.
func (g *guest) enter(line string) error {
	_, err := io.WriteString(g.console, line+"\n")
	return err
}

var monitorPrompt = []byte("(qemu) ")

// ask gives QEMU's monitor a command and returns what it says.
func (g *guest) ask(command string) (string, error) {
	if command != "" {
		if _, err := io.WriteString(g.monitor, command+"\n"); err != nil {
			return "", err
		}
	}
	var said []byte
	buffer := make([]byte, 4096)
	for !bytes.HasSuffix(said, monitorPrompt) {
		if err := g.monitor.SetReadDeadline(time.Now().Add(patience)); err != nil {
			return "", err
		}
		n, err := g.monitor.Read(buffer)
		if err != nil {
			return "", err
		}
		said = append(said, buffer[:n]...)
	}
	return string(said), nil
}

// do gives QEMU's monitor commands that must not fail.
func (g *guest) do(commands ...string) error {
	for _, command := range commands {
		said, err := g.ask(command)
		if err != nil || strings.Contains(said, "Error") {
			return fmt.Errorf("%s: %s: %s %w", g.name, command, said, err)
		}
	}
	return nil
}

// loaded waits until a saved machine is there, and lets it run.
func (g *guest) loaded() error {
	for range int(patience / time.Second) {
		said, err := g.ask("info status")
		if err != nil {
			return err
		}
		if strings.Contains(said, "VM status: paused\r") {
			return g.do("cont")
		}
		time.Sleep(time.Second)
	}
	return fmt.Errorf("%s: the saved machine is not loaded", g.name)
}

// gone waits until a device that was asked to go has gone.
func (g *guest) gone(id string) error {
	if err := g.do("device_del " + id); err != nil {
		return err
	}
	for range int(patience / time.Second) {
		said, err := g.ask("info qtree")
		if err != nil || !strings.Contains(said, "id \""+id+"\"") {
			return err
		}
		time.Sleep(time.Second)
	}
	return fmt.Errorf("%s: the kernel does not let go of %s", g.name, id)
}

// cost says how long ago the machine was started, and what that took of the
// processor.
func (g *guest) cost() string {
	took := time.Since(g.began).Round(time.Second)
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", g.command.Process.Pid))
	if err != nil {
		return took.String()
	}
	_, stat, _ = bytes.Cut(stat, []byte(") "))
	fields := strings.Fields(string(stat)) // the third of proc(5) is the first: user and system time, in hundredths of a second
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return fmt.Sprintf("%s, %d s of a processor", took, (user+system)/100)
}

// kill cuts the power.
func (g *guest) kill() {
	_ = g.command.Process.Signal(os.Kill)
	<-g.exited
}

// off waits until the machine has switched itself off.
func (g *guest) off(limit time.Duration) error {
	select {
	case <-g.exited:
		return nil
	case <-time.After(limit):
		g.kill()
		return fmt.Errorf("%s: not off after %s", g.name, limit)
	}
}

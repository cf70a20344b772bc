//go:build linux

package term

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pair is a pseudo-terminal whose keyboard types at each byte that is shown.
type pair struct {
	*Terminal
	keyboard *os.File
	stop     context.CancelFunc

	mu    sync.Mutex
	shown strings.Builder
}

// newPair types answer, and a newline, as soon as anything ends in prompt.
func newPair(t *testing.T, prompt, answer string) *pair {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	p := &pair{Terminal: &Terminal{end: ctx.Done(), tty: slave, out: NewWriter(slave)}, keyboard: master, stop: stop}
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 1)
		for {
			if _, err := master.Read(b); err != nil {
				return
			}
			p.mu.Lock()
			p.shown.Write(b)
			asked := strings.HasSuffix(p.shown.String(), prompt)
			p.mu.Unlock()
			if asked {
				p.typed(t, answer+"\n")
			}
		}
	}()
	t.Cleanup(func() {
		stop()
		_ = slave.Close() // its reader has ended, or ends with the test
		<-done
		_ = master.Close() // nothing was kept in it
	})
	return p
}

func (p *pair) typed(t *testing.T, text string) {
	t.Helper()
	if _, err := p.keyboard.WriteString(text); err != nil {
		t.Error(err)
	}
}

func (p *pair) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.shown.String()
}

// await returns once text is shown.
func (p *pair) await(t *testing.T, text string) {
	t.Helper()
	for range 1000 {
		if strings.Contains(p.text(), text) {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("%q is never shown, but %q", text, p.text())
}

func (p *pair) echoes(t *testing.T) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(p.tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

func TestSecret_IsHiddenFromThePromptOn(t *testing.T) {
	p := newPair(t, "PIN: ", "314159")
	for range 200 { // whoever types the instant the prompt is there
		secret, err := p.Secret("PIN")
		if err != nil || string(secret) != "314159" {
			t.Fatalf("%q, %v", secret, err)
		}
		if !p.echoes(t) {
			t.Fatal("the echo stays off")
		}
	}
	if text := p.text(); strings.Contains(text, "3") {
		t.Errorf("shown: %q", text)
	}
}

func TestSecret_ReadsWhatWasTypedAhead(t *testing.T) {
	p := newPair(t, "never shown", "")
	p.typed(t, "271828\n314159\n")
	p.await(t, "314159")
	for _, want := range []string{"271828", "314159"} {
		if secret, err := p.Secret("PIN"); err != nil || string(secret) != want {
			t.Errorf("%q, %v; want %q", secret, err, want)
		}
	}
}

func TestSecret_LeavesTheNextLine(t *testing.T) {
	p := newPair(t, "PIN: ", "314159\nyes")
	if _, err := p.Secret("PIN"); err != nil {
		t.Fatal(err)
	}
	if err := p.Confirm(Question{Text: "Go on."}); err != nil {
		t.Error(err)
	}
}

// A slip is asked again, three times in all; a no stops at once, and a word off
// a paper is counted by the one who asks.
func TestConfirm_Slips(t *testing.T) {
	for name, c := range map[string]struct {
		typed string
		label string
		yes   bool
	}{
		"at once":      {"go on", "", true},
		"in quotes":    {`"Go  ON"`, "", true},
		"after a slip": {"goon\ngo on", "", true},
		"at the third": {"x\ny\ngo on", "", true},
		"three slips":  {"x\ny\nz", "", false},
		"no":           {"no", "", false},
		"nothing":      {"", "", false},
		"no, later":    {"x\nN", "", false},
		"off a paper":  {"x", "word 3 from the paper", false},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, "never shown", "")
			p.typed(t, c.typed+"\n")
			err := p.Confirm(Question{Text: "Look.", Type: "go on", Label: c.label, No: "nothing was done"})
			if (err == nil) != c.yes || err != nil && !errors.Is(err, ErrStopped) {
				t.Errorf("%v\n%s", err, p.text())
			}
		})
	}
}

func TestSecret_StoppedEchoesAgain(t *testing.T) {
	p := newPair(t, "never shown", "")
	asked := make(chan error)
	go func() {
		_, err := p.Secret("PIN")
		asked <- err
	}()
	p.await(t, "PIN: ")
	p.stop()
	if err := <-asked; !errors.Is(err, ErrStopped) {
		t.Errorf("interrupted: %v", err)
	}
	if !p.echoes(t) {
		t.Error("the echo stays off")
	}
	p.typed(t, "\n") // for the read that was abandoned
}

func TestSecret_EndOfInputEchoesAgain(t *testing.T) {
	p := newPair(t, "PIN: ", "\x04\x04") // control-D at the start of a line
	if secret, err := p.Secret("PIN"); err == nil {
		t.Errorf("no line, but %q", secret)
	}
	if !p.echoes(t) {
		t.Error("the echo stays off")
	}
}

func TestSecret_RefusesWhatIsNoTerminal(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if _, err := (&Terminal{end: t.Context().Done(), tty: null}).Secret("PIN"); err == nil || !strings.Contains(err.Error(), "terminal's state") {
		t.Errorf("got %v", err)
	}
}

func TestReadLine_RefusesWhatIsTooLong(t *testing.T) {
	if _, err := readLine(strings.NewReader(strings.Repeat("x", maxLine) + "\n")); err == nil {
		t.Error("a line without end was read")
	}
	line, err := readLine(strings.NewReader(strings.Repeat("x", maxLine-1) + "\nnext"))
	if err != nil || len(line) != maxLine-1 {
		t.Errorf("%d bytes, %v", len(line), err)
	}
}

// TestAsk_EscapesWhatItShows asks with text from outside, and a default that
// comes from there too.
func TestAsk_EscapesWhatItShows(t *testing.T) {
	p := newPair(t, "> ", "yes")
	answer, err := p.Ask("two\nlines\x1b[2J\u202e", "d\u200b\x1b[2J\nq")
	if err != nil || answer != "yes" {
		t.Fatalf("%q: %v", answer, err)
	}
	shown := p.text()
	if strings.ContainsAny(shown, "\x1b\u202e\u200b") || !strings.Contains(shown, `lines\u001b[2J\u202e`) || !strings.Contains(shown, `[d\u200b\u001b[2J\nq] > `) {
		t.Errorf("shown %q", shown)
	}
}

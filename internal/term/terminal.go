package term

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// Terminal asks the person at the controlling terminal. It opens /dev/tty at
// the first question, so that commands that ask nothing need no terminal.
type Terminal struct {
	end <-chan struct{} // of the context that questions end with
	tty *os.File
	out *Writer // to tty
}

// NewTerminal returns a terminal whose questions end when ctx does.
func NewTerminal(ctx context.Context) *Terminal { return &Terminal{end: ctx.Done()} }

func (t *Terminal) open() (*os.File, error) {
	if t.tty != nil {
		return t.tty, nil
	}
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, fault.New(fault.Failure, "run the command in a terminal: it asks questions that a pipe cannot answer",
			fmt.Errorf("open the terminal: %w", err))
	}
	t.tty, t.out = tty, NewWriter(tty)
	return tty, nil
}

// Notice shows text to the person.
func (t *Terminal) Notice(text string) {
	if _, err := t.open(); err == nil {
		Fprintf(t.out, "%s\n", Text(text)) //nolint:errcheck // a terminal that is gone fails at the next question
	}
}

// Confirm asks q and returns ErrStopped for a no. A slip is asked again, but
// where the answer is read off a paper: that is counted by the one who asks.
func (t *Terminal) Confirm(q Question) error {
	tty, err := t.open()
	if err != nil {
		return err
	}
	text := q.shown()
	return Again(func(error) {
		text = "That is not what is asked for. Type " + q.quoted() + " to continue, or no to stop: "
	}, func() error {
		if _, err := Fprintf(t.out, "%s", Text(text)); err != nil {
			return fmt.Errorf("ask: %w", err)
		}
		answer, err := t.wait(func() ([]byte, error) { return readLine(tty) })
		switch {
		case err != nil:
			return err
		case q.Accepts(string(answer)):
			return nil
		case q.Label != "" || q.Declines(string(answer)):
			return Stopped(q.No)
		}
		return Slip(Stopped(q.No))
	})
}

// Secret reads a line without echo, which is off before the prompt appears. The
// caller wipes the secret.
func (t *Terminal) Secret(prompt string) (secret []byte, err error) {
	tty, err := t.open()
	if err != nil {
		return nil, err
	}
	loud, err := quiet(int(tty.Fd()))
	if err != nil {
		return nil, fault.New(fault.Failure, "run the command in a terminal that can hide what is typed", err)
	}
	prompted := func() error {
		_, err := Fprintf(t.out, "%s: ", prompt)
		return err
	}
	unguard := guard(loud, func() error {
		_, err := quiet(int(tty.Fd()))
		return errors.Join(err, prompted())
	})
	defer func() {
		unguard()
		if loudErr := loud(); loudErr != nil {
			clear(secret)
			secret, err = nil, errors.Join(err, loudErr)
		}
	}()
	if err := prompted(); err != nil {
		return nil, fmt.Errorf("ask: %w", err)
	}
	secret, err = t.wait(func() ([]byte, error) { return readLine(tty) })
	if err != nil {
		return nil, err
	}
	if _, err := Fprintf(t.out, "\n"); err != nil {
		clear(secret)
		return nil, fmt.Errorf("ask: %w", err)
	}
	return secret, nil
}

// Close lets go of the terminal.
func (t *Terminal) Close() error {
	if t.tty == nil {
		return nil
	}
	return t.tty.Close()
}

// wait runs read until it answers or the context ends. The abandoned read
// dies with the process.
func (t *Terminal) wait(read func() ([]byte, error)) ([]byte, error) {
	type result struct {
		line []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		line, err := read()
		done <- result{line, err}
	}()
	select {
	case <-t.end:
		return nil, Stopped("nothing more was done")
	case r := <-done:
		if r.err != nil {
			return nil, fault.New(fault.Stopped, "answer the question at the terminal", fmt.Errorf("read the answer: %w", r.err))
		}
		return r.line, nil
	}
}

// maxLine is the longest line that a terminal hands over: termios(3) cuts
// what is longer.
const maxLine = 4096

// readLine reads byte by byte: what follows the newline belongs to the next
// question, perhaps a secret. The buffer never grows, so that no copy of a
// secret is left behind.
func readLine(r io.Reader) ([]byte, error) {
	line := make([]byte, maxLine)
	for end := 0; end < maxLine; {
		n, err := r.Read(line[end : end+1])
		if n == 1 && line[end] == '\n' {
			return line[:end], nil
		}
		end += n
		if err != nil {
			clear(line)
			return nil, err
		}
	}
	clear(line)
	return nil, errors.New("the line is too long")
}

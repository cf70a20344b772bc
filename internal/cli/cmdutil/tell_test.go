package cmdutil

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

func printed(err error) string {
	var b bytes.Buffer
	printError(&b, err)
	return b.String()
}

func TestPrintError_EachWithItsHint(t *testing.T) {
	denied := fault.New(fault.Device, "ask for leave", errors.New("access denied"))
	gone := fault.New(fault.Device, "look again", errors.New("not found"))
	err := fault.New(fault.Device, "", errors.Join(fmt.Errorf("fulcio: %w", denied), fmt.Errorf("tsa: %w", gone)))
	want := "trustroot: error: fulcio: access denied\ntrustroot: hint: ask for leave\n" +
		"trustroot: error: tsa: not found\ntrustroot: hint: look again\n"
	if got := printed(err); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestPrintError_SameHintOnce(t *testing.T) {
	one := fault.New(fault.Device, "ask for leave", errors.New("one"))
	two := fault.New(fault.Device, "ask for leave", errors.New("two"))
	want := "trustroot: error: one\ntrustroot: error: two\ntrustroot: hint: ask for leave\n"
	if got := printed(errors.Join(one, two)); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestPrintError_OuterHintSpeaksForAll(t *testing.T) {
	inner := errors.Join(fault.New(fault.Device, "inner", errors.New("one")), errors.New("two"))
	want := "trustroot: error: one\ntrustroot: error: two\ntrustroot: hint: outer\n"
	if got := printed(fault.New(fault.Usage, "outer", inner)); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestPrintError_WordsBeforeAJoinStay(t *testing.T) {
	err := fmt.Errorf("make request: %w", errors.Join(fault.New(fault.Usage, "first", errors.New("one")), fault.New(fault.Usage, "second", errors.New("two"))))
	want := "trustroot: error: make request: one\ntrustroot: hint: first\ntrustroot: error: two\ntrustroot: hint: second\n"
	if got := printed(err); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestPrintError_WordsBehindAnErrorStay(t *testing.T) {
	err := fmt.Errorf("%w; nothing was written", fault.New(fault.Device, "look", errors.New("no answer")))
	want := "trustroot: error: no answer; nothing was written\ntrustroot: hint: look\n"
	if got := printed(err); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

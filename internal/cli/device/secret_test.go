package device

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
)

// typing is a factory with a person who types these secrets, one after the
// other.
func typing(secrets ...string) (*cmdutil.Factory, *[]string) {
	prompts := &[]string{}
	next := func(prompt string) ([]byte, error) {
		*prompts = append(*prompts, prompt)
		if len(secrets) == 0 {
			return nil, io.EOF
		}
		secret := secrets[0]
		secrets = secrets[1:]
		return []byte(secret), nil
	}
	return &cmdutil.Factory{Err: io.Discard, Operator: &term.Script{Out: io.Discard, Secrets: next}}, prompts
}

func TestNewSecret_HalvesAreJoined(t *testing.T) {
	f, prompts := typing("384", "384", "q7wz", "q7wz")
	secret, err := NewSecret(f, "PIN", true)
	if err != nil || string(secret) != "384q7wz" {
		t.Errorf("got %q, %v", secret, err)
	}
	if len(*prompts) != 4 || !strings.Contains((*prompts)[0], "first half") || !strings.Contains((*prompts)[3], "second half") {
		t.Errorf("asked: %q", *prompts)
	}
}

func TestNewSecret_Refusals(t *testing.T) {
	for reason, typed := range map[string][]string{ // the last two are typed three times
		"the first half was not typed the same way twice":           {"3847", "3848"},
		"the second half was not typed the same way twice":          {"3847", "3847", "56q", "56w"},
		"the first half of the PIN has neither 3 nor 4 characters":  {"38", "38"},
		"the second half of the PIN has neither 3 nor 4 characters": {"384", "384", "56qwz", "56qwz"},
		"is the factory's": {"123", "123", "456", "456"},
	} {
		last := typed[len(typed)-2:]
		typed = slices.Concat(typed, last, last)
		f, prompts := typing(typed...)
		_, err := NewSecret(f, "PIN", true)
		if err == nil || !strings.Contains(err.Error(), reason) || fault.ExitCode(err) != int(fault.Usage) || fault.Hint(err) == "" {
			t.Errorf("got %v, want %q", err, reason)
		}
		if err != nil && strings.Contains(err.Error(), typed[len(typed)-1]) {
			t.Errorf("the error holds what was typed: %v", err)
		}
		if len(*prompts) != len(typed) {
			t.Errorf("asked %d times after %d answers", len(*prompts), len(typed))
		}
	}
}

func TestNewSecret_WholeIsAskedTwice(t *testing.T) {
	f, prompts := typing("38475q", "38475q")
	secret, err := NewSecret(f, "PUK", false)
	if err != nil || string(secret) != "38475q" || len(*prompts) != 2 || !strings.Contains((*prompts)[1], "again") {
		t.Errorf("got %q, %v, asked %q", secret, err, *prompts)
	}
	f, _ = typing("345678", "345678", "345678", "345678", "345678", "345678")
	if _, err := NewSecret(f, "PUK", false); err == nil || !strings.Contains(err.Error(), "new PUK") {
		t.Errorf("got %v", err)
	}
}

// A slip at the repetition is asked again; by halves of the one who made it.
func TestNewSecret_Slip(t *testing.T) {
	f, prompts := typing("506172", "506171", "506172", "506172")
	secret, err := NewSecret(f, "PIN", false)
	if err != nil || string(secret) != "506172" || len(*prompts) != 4 {
		t.Errorf("%q, %v after %d prompts", secret, err, len(*prompts))
	}
	f, prompts = typing("384", "384", "q7wz", "q7wx", "q7wz", "q7wz")
	if secret, err = NewSecret(f, "PIN", true); err != nil || string(secret) != "384q7wz" || len(*prompts) != 6 {
		t.Errorf("%q, %v after %d prompts", secret, err, len(*prompts))
	}
	f, prompts = typing("1", "2", "3", "4", "5", "6", "506172", "506172")
	if _, err := NewSecret(f, "PIN", false); fault.ExitCode(err) != int(fault.Usage) || len(*prompts) != 6 {
		t.Errorf("%v after %d prompts", err, len(*prompts))
	}
}

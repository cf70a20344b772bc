// Package fault carries what a person needs beside an error's text: the exit
// code and the way out. It imports nothing of the project.
package fault

import "errors"

// Code is a process exit code.
type Code int

// Exit codes of every command.
const (
	Failure      Code = 1 // anything else
	Usage        Code = 2 // flags, arguments or an invalid plan
	Stopped      Code = 3 // the operator said no or pressed Ctrl-C
	Device       Code = 4 // a token, a KMS or a credential
	Verification Code = 5 // something checked did not hold
	Due          Code = 6 // something expires soon
)

type fault struct {
	code Code
	hint string
	err  error
}

func (f *fault) Error() string { return f.err.Error() }
func (f *fault) Unwrap() error { return f.err }

// New gives err a code and a hint: one sentence that says what to do next. An
// empty hint keeps the one of the errors that err wraps.
func New(code Code, hint string, err error) error {
	return &fault{code: code, hint: hint, err: err}
}

// ExitCode returns the outermost code in err, Failure if there is none, and 0
// for nil.
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	if f, ok := errors.AsType[*fault](err); ok {
		return int(f.code)
	}
	return int(Failure)
}

// Hint returns the outermost hint in err that is not empty.
func Hint(err error) string {
	for {
		f, ok := errors.AsType[*fault](err)
		if !ok {
			return ""
		}
		if f.hint != "" {
			return f.hint
		}
		err = f.err
	}
}

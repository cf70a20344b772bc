package trustdir

import "github.com/linnemanlabs/trustroot/internal/fault"

// Lines are the texts of joined errors.
func Lines(err error) []string {
	if err == nil {
		return nil
	}
	var out []string
	var walk func(error)
	walk = func(err error) {
		switch e := err.(type) { //nolint:errorlint // the tree itself is walked
		case interface{ Unwrap() []error }:
			for _, one := range e.Unwrap() {
				walk(one)
			}
		case interface{ Unwrap() error }:
			if inner := e.Unwrap(); inner != nil && inner.Error() == err.Error() {
				walk(inner)
				return
			}
			out = append(out, err.Error())
		default:
			out = append(out, err.Error())
		}
	}
	walk(err)
	return out
}

// Worst is the code of a command that failed in several ways: what was checked
// and did not hold comes before what could not be asked.
func Worst(errs []error) fault.Code {
	code := fault.Code(fault.ExitCode(errs[0]))
	for _, err := range errs {
		if fault.ExitCode(err) == int(fault.Verification) {
			code = fault.Verification
		}
	}
	return code
}

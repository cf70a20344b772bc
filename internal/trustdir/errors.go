package trustdir

import "github.com/linnemanlabs/trustroot/internal/fault"

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

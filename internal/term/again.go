package term

import "errors"

// tries is how often a question is asked where the answer is a slip.
const tries = 3

// slipError is an answer that cannot be meant.
type slipError struct{ error }

func (s slipError) Unwrap() error { return s.error }

// Slip marks an error as one of the answer: Again asks once more.
func Slip(err error) error { return slipError{err} }

// Again asks until the answer is not a slip, three times in all, and says each slip
// before it asks once more.
func Again(say func(slip error), ask func() error) error {
	for try := 1; ; try++ {
		err := ask()
		if _, slip := errors.AsType[slipError](err); !slip || try == tries {
			return err
		}
		say(err)
	}
}

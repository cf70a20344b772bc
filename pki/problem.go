package pki

import (
	"errors"
	"fmt"
)

// Problem is one reason why a certificate is not made. Field is the field of
// the plan to change, as written under an authority ("path_len"), under a
// ceremony ("ceremonies.not_before") or "" when no field decides.
type Problem struct {
	Field  string
	Reason string
}

// Error implements error: "field: reason".
func (p *Problem) Error() string {
	if p.Field == "" {
		return p.Reason
	}
	return p.Field + ": " + p.Reason
}

// problems collects what is wrong, so that one run names everything.
type problems []error

func (p *problems) add(field, format string, args ...any) {
	*p = append(*p, &Problem{Field: field, Reason: fmt.Sprintf(format, args...)})
}

func (p *problems) addError(field string, err error) {
	if err != nil {
		p.add(field, "%v", err)
	}
}

func (p problems) err() error { return errors.Join(p...) }

// Problems returns every Problem that err joins or wraps, in order.
func Problems(err error) []*Problem {
	if err == nil {
		return nil
	}
	if p, ok := err.(*Problem); ok { //nolint:errorlint // the tree itself is walked
		return []*Problem{p}
	}
	var found []*Problem
	switch w := err.(type) { //nolint:errorlint // the tree itself is walked
	case interface{ Unwrap() []error }:
		for _, e := range w.Unwrap() {
			found = append(found, Problems(e)...)
		}
	case interface{ Unwrap() error }:
		found = Problems(w.Unwrap())
	}
	return found
}

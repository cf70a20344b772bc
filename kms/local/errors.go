package local

import (
	"errors"
	"fmt"
)

// apiError is an error answer. code is the shape's name in the KMS API
// reference, which the SDK turns into its typed error.
type apiError struct {
	status  int
	code    string
	message string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

func fail(code, format string, args ...any) *apiError {
	return &apiError{status: 400, code: code, message: fmt.Sprintf(format, args...)}
}

func errNotFound(what string) *apiError {
	return fail("NotFoundException", "%s is not found.", what)
}

func errValidation(format string, args ...any) *apiError {
	return fail("ValidationException", format, args...)
}

// asAPI gives an error that is not an answer of its own KMS's word for one.
func asAPI(err error) *apiError {
	if e, ok := errors.AsType[*apiError](err); ok {
		return e
	}
	return &apiError{status: 500, code: "KMSInternalException", message: err.Error()}
}

package objects

import (
	"fmt"
	"regexp"
	"strings"
)

// LockName is the lock file of a directory. It is not an object.
const LockName = ".lock"

// maxName bounds a name: S3 allows 1024 bytes, file systems 255 for a segment.
const (
	maxName    = 512
	maxSegment = 250
)

var segment = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._+@=-]*$`)

// CheckName returns an error for a name that a directory or a bucket would
// store under another name, hide or refuse: gocloud escapes control characters,
// "../" and double slashes, reads "__0x" as an escape, and keeps ".attrs" for
// itself; ".tmp" marks a write that did not end.
func CheckName(name string) error {
	if len(name) > maxName {
		return fmt.Errorf("object name of %d bytes: at most %d", len(name), maxName)
	}
	if strings.Contains(name, "__0x") {
		return fmt.Errorf("object name %q: __0x is an escape of the store", name)
	}
	for s := range strings.SplitSeq(name, "/") {
		switch {
		case !segment.MatchString(s):
			return fmt.Errorf("object name %q: use letters, digits and ._+@=- in each part, beginning with a letter, digit or _", name)
		case len(s) > maxSegment:
			return fmt.Errorf("object name %q: at most %d bytes in each part", name, maxSegment)
		case strings.HasSuffix(s, ".attrs"), strings.HasSuffix(s, ".tmp"):
			return fmt.Errorf("object name %q: the store keeps .attrs and .tmp for itself", name)
		}
	}
	return nil
}

//go:build !linux || !(amd64 || arm64)

package sandbox

// Enter returns what before returned, and a report that nothing is confined.
func Enter[T any](p Paths, before func() (T, error)) (T, Report, error) {
	t, err := before()
	return t, newReport(0, false, p), err
}

//go:build !(linux || darwin || dragonfly || freebsd || netbsd || openbsd)

package term

import "errors"

// quiet refuses: a secret is not asked for where it would be shown.
func quiet(int) (loud func() error, err error) {
	return nil, errors.New("this build cannot turn a terminal's echo off")
}

// Restore has nothing to do where the echo is never off.
func Restore() {}

func guard(_, _ func() error) (end func()) { return func() {} }

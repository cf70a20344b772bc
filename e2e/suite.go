package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// errStop ends the suite: what comes after needs what failed.
var errStop = errors.New("what comes after needs this")

// suite counts checks. It prints one line each on out.
type suite struct {
	out, progress  io.Writer
	passed, failed int
	began          time.Time
}

// check is what must hold.
type check struct {
	what  string
	holds func(context.Context) error
}

// check runs one check and says whether it holds.
func (s *suite) check(ctx context.Context, what string, holds func(context.Context) error) bool {
	if ctx.Err() != nil {
		return false
	}
	return s.count(ctx, what, holds(ctx))
}

// together runs checks that do not touch each other, and tells of them in
// their order.
func (s *suite) together(ctx context.Context, checks ...check) bool {
	results := make([]chan error, len(checks))
	places := make(chan struct{}, 3)
	for i, c := range checks {
		results[i] = make(chan error, 1)
		go func() {
			places <- struct{}{}
			results[i] <- c.holds(ctx)
			<-places
		}()
	}
	all := true
	for i, c := range checks {
		err := <-results[i]
		all = ctx.Err() == nil && s.count(ctx, c.what, err) && all
	}
	return all
}

// count tells of one check.
func (s *suite) count(ctx context.Context, what string, err error) bool {
	switch {
	case ctx.Err() != nil:
		return false // it was cut off
	case err != nil:
		s.failed++
		say(s.out, "FAIL  %s\n      %s\n", what, strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "\n      "))
		return false
	}
	s.passed++
	say(s.out, "ok    %s\n", what)
	return true
}

// must is check for what everything after needs.
func (s *suite) must(ctx context.Context, what string, holds func(context.Context) error) error {
	if !s.check(ctx, what, holds) {
		return errStop
	}
	return nil
}

// inTurn is must for checks each of which needs the one before.
func (s *suite) inTurn(ctx context.Context, checks ...check) error {
	for _, c := range checks {
		if err := s.must(ctx, c.what, c.holds); err != nil {
			return err
		}
	}
	return nil
}

func say(w io.Writer, format string, args ...any) {
	fmt.Fprintf(w, format, args...) //nolint:errcheck // there is nobody else to tell
}

// step says what is under way.
func (s *suite) step(format string, args ...any) {
	say(s.progress, "== %5.1f s  %s\n", time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
}

// end prints the count and returns the exit code.
func (s *suite) end(err error) int {
	if err != nil && !errors.Is(err, errStop) && !errors.Is(err, context.Canceled) {
		s.failed++
		say(s.out, "FAIL  %s\n", strings.ReplaceAll(err.Error(), "\n", "\n      "))
	}
	say(s.out, "%d passed, %d failed\n", s.passed, s.failed)
	if s.failed > 0 || err != nil {
		return 1
	}
	return 0
}

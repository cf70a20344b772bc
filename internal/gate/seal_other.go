//go:build !linux

package gate

import (
	"context"
	"errors"
	"io"
)

// Sealed exists on Linux only.
type Sealed struct{}

// Seal refuses: no other system seals a file against who holds it open.
func Seal(context.Context, string) (*Sealed, error) {
	return nil, errors.New("--exec needs a sealed memory file, which only Linux has")
}

func (s *Sealed) reader() io.Reader { return nil }

// Exec refuses.
func (s *Sealed) Exec([]string, []string) error { return errors.ErrUnsupported }

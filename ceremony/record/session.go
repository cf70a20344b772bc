package record

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/fault"
)

// sessionLimits bound what is kept of a session for ever: hours of a terminal
// and some pictures, and no film.
var sessionLimits = courier.Limits{Files: 256, Depth: 4, File: 8 << 20, Total: 32 << 20}

// ReadSession reads the recordings and pictures beside what a record seals,
// none where there are none. Nothing vouches for them.
func ReadSession(path string) (map[string][]byte, error) {
	files, err := courier.ReadFolder(filepath.Join(path, SessionDir), sessionLimits)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fault.New(fault.Usage, "take out of session/ what should not be kept for ever, or pass --without-session", fmt.Errorf("session/: %w", err))
	}
	return files, nil
}

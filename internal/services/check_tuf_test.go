package services

import (
	"os"
	"path/filepath"
)

// remove takes a file out of the served repository.
func (w *site) remove(name string) error { return os.Remove(filepath.Join(w.repository, name)) }

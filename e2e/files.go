package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
)

var writing sync.Mutex

// writeOnce makes a file that checks at the same time may ask for too.
func writeOnce(path string, data []byte) error {
	writing.Lock()
	defer writing.Unlock()
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	return os.WriteFile(path, data, 0o600)
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}

func copyProgram(from, to string) error {
	if err := copyFile(from, to); err != nil {
		return err
	}
	return os.Chmod(to, 0o755)
}

func readJSON(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// replaceOnce replaces a text that must stand there once.
func replaceOnce(text, old, replacement string) (string, error) {
	if n := strings.Count(text, old); n != 1 {
		return "", fmt.Errorf("%q stands there %d times", old, n)
	}
	return strings.Replace(text, old, replacement, 1), nil
}

// Package digest writes SHA-256 as every file and message of this project does.
// It imports nothing of the project.
package digest

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
)

// Hex returns the SHA-256 of data in lower-case hex.
func Hex(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// File returns the SHA-256 of a file of any size in lower-case hex.
func File(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // read only
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

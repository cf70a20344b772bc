// Package digest writes SHA-256 as every file and message of this project does.
// It imports nothing of the project.
package digest

import (
	"crypto/sha256"
	"encoding/hex"
)

// Hex returns the SHA-256 of data in lower-case hex.
func Hex(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

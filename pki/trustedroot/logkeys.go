package trustedroot

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
)

// LogKey is the key of a transparency log.
type LogKey struct {
	// Origin is what verifiers take it to be: the host of the log's base URL
	// (sigstore-go, pkg/verify).
	Origin     string
	SPKISHA256 string // hex
}

// LogKeys returns the keys of the transparency logs of a trusted root.
func LogKeys(data []byte) ([]LogKey, error) {
	msg, err := parse(data)
	if err != nil {
		return nil, err
	}
	keys := []LogKey{}
	for _, l := range msg.GetTlogs() {
		if u, err := url.Parse(l.GetBaseUrl()); err == nil {
			sum := sha256.Sum256(l.GetPublicKey().GetRawBytes())
			keys = append(keys, LogKey{Origin: u.Hostname(), SPKISHA256: hex.EncodeToString(sum[:])})
		}
	}
	return keys, nil
}

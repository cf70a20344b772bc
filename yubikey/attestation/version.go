package attestation

import (
	"fmt"
	"strconv"
	"strings"
)

// Version is a firmware version: major, minor, patch.
type Version [3]byte

// ParseVersion reads "5.7.4", or "5.7" for "5.7.0".
func ParseVersion(s string) (Version, error) {
	var v Version
	parts := strings.Split(s, ".")
	if len(parts) != 2 && len(parts) != 3 {
		return Version{}, fmt.Errorf("firmware version %q: write it like 5.7.4", s)
	}
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 8)
		if err != nil || strconv.FormatUint(n, 10) != p {
			return Version{}, fmt.Errorf("firmware version %q: write it like 5.7.4", s)
		}
		v[i] = byte(n)
	}
	return v, nil
}

// String writes "5.7.4".
func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2]) }

// Less reports whether v is older than w.
func (v Version) Less(w Version) bool {
	for i := range v {
		if v[i] != w[i] {
			return v[i] < w[i]
		}
	}
	return false
}

// MarshalText implements encoding.TextMarshaler.
func (v Version) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

package trustdir

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// Groups writes a digest in groups, to read aloud.
func Groups(hexDigest string) string {
	raw, err := hex.DecodeString(hexDigest)
	if err != nil {
		return hexDigest
	}
	return pki.HexGroups(raw)
}

// Stamp writes a time as RFC 3339 in UTC.
func Stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// CheckPin holds a key against the plan, where the plan pins one.
func CheckPin(name string, g plan.Generation, spki string) error {
	if g.SPKISHA256 == "" || strings.EqualFold(g.SPKISHA256, spki) {
		return nil
	}
	return fault.New(fault.Verification, "find out who changed the key or the plan; do not go on",
		fmt.Errorf("the key of %s g%d has SPKI SHA-256 %s, the plan pins %s", name, g.Generation, Groups(spki), Groups(g.SPKISHA256)))
}

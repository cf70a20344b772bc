package courier

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/digest"
)

// Sums writes SHA256SUMS as coreutils' sha256sum does, sorted by name, of
// every file but itself.
func Sums(files map[string][]byte) []byte {
	var b bytes.Buffer
	for _, name := range Names(files) {
		if name != SumsFile {
			fmt.Fprintf(&b, "%s  %s\n", digest.Hex(files[name]), name)
		}
	}
	return b.Bytes()
}

// parseSums reads SHA256SUMS into digests by name. It takes only the form that
// Sums writes.
func parseSums(data []byte) (map[string]string, error) {
	listed := map[string]string{}
	last := ""
	for n, line := range strings.SplitAfter(string(data), "\n") {
		if line == "" {
			break // after the last newline
		}
		digest, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		raw, err := hex.DecodeString(digest)
		switch {
		case !ok || !strings.HasSuffix(line, "\n") || err != nil || len(raw) != sha256.Size || hex.EncodeToString(raw) != digest:
			return nil, fmt.Errorf("%s: line %d: not a SHA-256, two spaces and a name", SumsFile, n+1)
		case (Limits{Depth: math.MaxInt}).CheckName(name) != nil || name == SumsFile:
			return nil, fmt.Errorf("%s: line %d: %s does not belong here", SumsFile, n+1, Quote(name))
		case name <= last:
			return nil, fmt.Errorf("%s: line %d: %s is not in order, or twice here", SumsFile, n+1, Quote(name))
		}
		listed[name], last = digest, name
	}
	return listed, nil
}

// CheckSums names every file that is missing, changed or not listed.
func CheckSums(files map[string][]byte) error {
	text, ok := files[SumsFile]
	if !ok {
		return fmt.Errorf("%s: missing", SumsFile)
	}
	listed, err := parseSums(text)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range Names(listed) {
		data, ok := files[name]
		if !ok {
			errs = append(errs, fmt.Errorf("%s: missing, though %s lists it", name, SumsFile))
		} else if got := digest.Hex(data); got != listed[name] {
			errs = append(errs, fmt.Errorf("%s: changed: its SHA-256 is %s, %s says %s", name, got, SumsFile, listed[name]))
		}
	}
	for _, name := range Names(files) {
		if _, ok := listed[name]; !ok && name != SumsFile {
			errs = append(errs, fmt.Errorf("%s: an extra file, %s does not list it", name, SumsFile))
		}
	}
	return errors.Join(errs...)
}

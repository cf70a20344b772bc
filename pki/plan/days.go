package plan

import (
	"fmt"
	"strconv"
	"strings"
)

// maxDays is a hundred years.
const maxDays = 36525

// MarshalText implements encoding.TextMarshaler: "197d".
func (d Days) MarshalText() ([]byte, error) { return []byte(strconv.Itoa(int(d)) + "d"), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Days) UnmarshalText(b []byte) error {
	digits, isDays := strings.CutSuffix(string(b), "d")
	n, err := strconv.Atoi(digits)
	if err != nil || !isDays || n < 1 || n > maxDays {
		return fmt.Errorf("%q is not a number of days: write it like 197d", b)
	}
	*d = Days(n)
	return nil
}

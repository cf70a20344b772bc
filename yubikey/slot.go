package yubikey

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// Slot is a PIV key slot by its hex name: 9a, 9c, 9d, 9e, or a retired one
// from 82 to 95.
type Slot string

// slots are all that may hold a key of ours: f9, which holds the token's own
// attestation key, is not among them.
var slots = func() []Slot {
	all := []Slot{"9a", "9c", "9d", "9e"}
	for key := 0x82; key <= 0x95; key++ {
		all = append(all, Slot(strconv.FormatInt(int64(key), 16)))
	}
	return all
}()

// Retired reports whether the slot is one of the twenty for retired keys,
// whose certificate objects may be used without a key.
func (s Slot) Retired() bool { return s.check() == nil && s >= "82" && s <= "95" }

func (s Slot) check() error {
	if slices.Contains(slots, s) {
		return nil
	}
	return fault.New(fault.Usage, "name a slot by its hex number: 9a, 9c, 9d, 9e, or 82 to 95",
		fmt.Errorf("unknown slot %q", string(s)))
}

package request

import (
	"bytes"
	"fmt"

	"github.com/linnemanlabs/trustroot/internal/courier"
)

// checkPacked refuses a tar that is not the one that courier.Pack writes: another
// order, owner or age, or bytes between and behind the files.
func checkPacked(data []byte, r *Request) error {
	want, err := courier.Pack(r.Name(), r.Manifest.Created, r.Files)
	if err != nil {
		return err
	}
	if bytes.Equal(data, want) {
		return nil
	}
	n := min(len(data), len(want))
	at := 0
	for at < n && data[at] == want[at] {
		at++
	}
	return fmt.Errorf("the files are right but the tar around them is not the one that was packed: it differs at byte %d", at)
}

package request

import (
	"bytes"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/courier"
)

// Invariant: a manifest that is read writes itself again.
func FuzzManifest(f *testing.F) {
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseManifest(data)
		if err != nil {
			return
		}
		if again, err := m.encode(); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%q writes %q (%v)", data, again, err)
		}
	})
}

// Invariant: what comes out of a tar has names that stay below its folder, and
// keeps every bound; packing it again gives a tar with the same files.
func FuzzUnpack(f *testing.F) {
	packed, err := courier.Pack("0001-founding", time.Unix(0, 0), map[string][]byte{"pki.yaml": []byte("version: 1\n")})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed)
	f.Fuzz(func(t *testing.T, data []byte) {
		files, folder, err := courier.Unpack(data, limits)
		if err != nil || len(files) == 0 {
			return
		}
		if err := limits.Check(files); err != nil {
			t.Fatal(err)
		}
		again, err := courier.Pack(folder, time.Unix(0, 0), files)
		if err != nil {
			return // a name that is too long for the form
		}
		files2, folder2, err := courier.Unpack(again, limits)
		if err != nil || folder2 != folder || len(files2) != len(files) {
			t.Fatalf("%d files in %q, then %d in %q (%v)", len(files), folder, len(files2), folder2, err)
		}
		for name, content := range files {
			if !bytes.Equal(files2[name], content) {
				t.Fatalf("%q changed", name)
			}
		}
	})
}

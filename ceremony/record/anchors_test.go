package record

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

func TestRoomForAnchor_AsManyAsAreRead(t *testing.T) {
	files, _ := sealed(t)
	path := filepath.Join(t.TempDir(), "record")
	must(t, Write(path, files, []byte("{}")))
	for i := range maxAnchors {
		r, err := Open(path)
		must(t, err)
		must(t, r.RoomForAnchor())
		must(t, AddAnchor(path, fmt.Sprint("anchor-", i), map[string][]byte{"a": []byte("b")}))
	}
	r, err := Open(path)
	must(t, err)
	if err := r.RoomForAnchor(); fault.ExitCode(err) != int(fault.Usage) {
		t.Errorf("one more than is read: %v", err)
	}
	// what killed runs left takes no place of an anchor
	for i := range 5 {
		must(t, os.Mkdir(filepath.Join(path, AnchorsDir, fmt.Sprint(".anchor.tmp-", i)), 0o755))
	}
	if r, err = Open(path); err != nil || len(r.Anchors) != maxAnchors {
		t.Errorf("%d anchors: %v", len(r.Anchors), err)
	}
	must(t, AddAnchor(path, "one-more", map[string][]byte{"a": []byte("b")}))
	_, err = Open(path)
	refused(t, err, "more than 100 folders")
}

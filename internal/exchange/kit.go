package exchange

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"

	"github.com/linnemanlabs/trustroot"
	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
)

// MaxImage is the size of a ceremony image, in bytes.
const MaxImage = 80_000_000

// Files of a kit, beside SHA256SUMS.
const (
	KitImage   = "ceremony.iso"
	kitManual  = "CEREMONY.md"
	kitScript  = "script.html"
	kitPage    = "WITNESS.md"
	kitSession = "ceremony-session"
)

// CheckImage refuses a ceremony image that the plan's ceremony does not name.
func CheckImage(d *trustdir.Dir, name string, image []byte) error {
	name, err := chosenCeremony(d, name)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(image)
	found, pinned := hex.EncodeToString(sum[:]), d.Plan.Ceremonies[name].ImageSHA256
	switch pinned {
	case found:
		return nil
	case "":
		return fault.New(fault.Usage, "build the image twice, compare, and have the plan reviewed with it",
			fmt.Errorf("pki.yaml: ceremonies.%s has no image_sha256, the image has the SHA-256 %s; nothing was written", name, found))
	}
	return fault.New(fault.Verification, "bring the image that the plan names, or have the plan reviewed with the other one",
		fmt.Errorf("pki.yaml: ceremonies.%s.image_sha256 is %s, the image has %s; nothing was written", name, pinned, found))
}

// WriteKit writes what people carry to the day beside a request: the manual,
// the page for witnesses, the script to print and fill in, the one that records
// the session, what is carried besides, such as the offline program and the
// ceremony image, and their SHA256SUMS. It returns the folder.
func WriteKit(r *request.Request, carried map[string][]byte) (string, error) {
	script, err := ceremony.Script(r)
	if err != nil {
		return "", err
	}
	files := map[string][]byte{kitManual: trustroot.Manual, kitScript: script, kitPage: trustroot.WitnessPage, kitSession: trustroot.SessionScript}
	maps.Copy(files, carried)
	files[courier.SumsFile] = courier.Sums(files)
	if err := courier.NewFolder(r.Path+".kit", files); err != nil {
		return "", fmt.Errorf("write the kit: %w", err)
	}
	return r.Path + ".kit", nil
}

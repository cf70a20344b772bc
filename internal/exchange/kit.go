package exchange

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"github.com/linnemanlabs/trustroot"
	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/templates"
)

// MaxImage is the size of a ceremony image, in bytes.
const MaxImage = 80_000_000

// Files of a kit, beside SHA256SUMS.
const (
	kitImage  = "ceremony.iso"
	kitManual = "CEREMONY.md"
	kitSheets = "sheets.txt"
)

// CheckImage refuses a ceremony image that the plan's ceremony does not name.
func CheckImage(d *trustdir.Dir, ceremony string, image []byte) error {
	ceremony, err := chosenCeremony(d, ceremony)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(image)
	found, pinned := hex.EncodeToString(sum[:]), d.Plan.Ceremonies[ceremony].ImageSHA256
	switch pinned {
	case found:
		return nil
	case "":
		return fault.New(fault.Usage, "build the image twice, compare, and have the plan reviewed with it",
			fmt.Errorf("pki.yaml: ceremonies.%s has no image_sha256, the image has the SHA-256 %s; nothing was written", ceremony, found))
	}
	return fault.New(fault.Verification, "bring the image that the plan names, or have the plan reviewed with the other one",
		fmt.Errorf("pki.yaml: ceremonies.%s.image_sha256 is %s, the image has %s; nothing was written", ceremony, pinned, found))
}

// WriteKit writes what people carry to the day beside a request: the manual,
// sheets to print and fill in, the ceremony image if there is one, and their
// SHA256SUMS. It returns the folder.
func WriteKit(r *request.Request, image []byte) (string, error) {
	sheets, err := sheetsOf(r)
	if err != nil {
		return "", err
	}
	files := map[string][]byte{kitManual: trustroot.Manual, kitSheets: sheets}
	if image != nil {
		files[kitImage] = image
	}
	files[courier.SumsFile] = courier.Sums(files)
	folder, err := durable.NewDir(r.Path + ".kit")
	if err != nil {
		return "", fmt.Errorf("write the kit: %w", err)
	}
	defer folder.Discard()
	if err := courier.WriteFolder(folder.Path(), files); err != nil {
		return "", fmt.Errorf("write the kit: %w", err)
	}
	if err := folder.Commit(); err != nil {
		return "", fmt.Errorf("write the kit: %w", err)
	}
	return r.Path + ".kit", nil
}

// spoken is a digest as it is read aloud, in rows.
type spoken struct{ Hex, Words []string }

func spokenOf(digest string) *spoken {
	raw, err := hex.DecodeString(digest)
	if err != nil || len(raw) == 0 {
		return nil
	}
	return &spoken{rowsOf(8, "%s", strings.Fields(pki.HexGroups(raw))), rowsOf(4, "%-14s", strings.Fields(pki.Words(raw)))}
}

// rowsOf writes n words in each row.
func rowsOf(n int, format string, words []string) []string {
	var rows []string
	for row := range slices.Chunk(words, n) {
		var b strings.Builder
		for _, w := range row {
			fmt.Fprintf(&b, format+" ", w)
		}
		rows = append(rows, strings.TrimRight(b.String(), " "))
	}
	return rows
}

// sheetsOf renders the sheets of a ceremony from the plan in its request. The
// request's words are left blank: their paper comes from another machine.
func sheetsOf(r *request.Request) ([]byte, error) {
	t, err := template.ParseFS(templates.FS, "sheets/sheets.txt.tmpl")
	if err != nil {
		return nil, fmt.Errorf("write the sheets: %w", err)
	}
	var blanks, people []string
	for n := range sha256.Size {
		blanks = append(blanks, fmt.Sprintf("%2d", n+1))
	}
	c := r.Plan.Ceremonies[r.Manifest.Ceremony]
	for _, name := range c.Operators {
		people = append(people, name+", operator")
	}
	for _, name := range c.Witnesses {
		people = append(people, name+", witness")
	}
	for len(people) < 4 {
		people = append(people, strings.Repeat("_", 30))
	}
	var page bytes.Buffer
	err = t.Execute(&page, struct {
		plan.Ceremony
		Organization, Name string
		Rehearsal          bool
		Image, Program     *spoken
		Blanks, People     []string
		Break              string
	}{
		c, r.Plan.Organization, r.Manifest.Ceremony, r.Plan.Rehearsal != nil, spokenOf(c.ImageSHA256), spokenOf(c.BinarySHA256),
		rowsOf(4, "%s ______________", blanks), people, "\f",
	})
	if err != nil {
		return nil, fmt.Errorf("write the sheets: %w", err)
	}
	return page.Bytes(), nil
}

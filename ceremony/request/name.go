package request

import (
	"fmt"
	"regexp"

	"github.com/linnemanlabs/trustroot/internal/courier"
)

// Names in a request.
const (
	ManifestFile = "request.json"
	PlanFile     = "pki.yaml"
	LedgerFile   = "ledger.jsonl"
	SumsFile     = courier.SumsFile
)

// limits bound a request, before anything is read.
var limits = courier.Limits{
	Files:  1000,
	Depth:  4,
	File:   1 << 20,
	Total:  32 << 20,
	Larger: map[string]int64{LedgerFile: 16 << 20},
}

// ceremonyForm is the name of a ceremony, as it stands in the folder's name.
var ceremonyForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// maxSequence is the last number that four digits hold.
const maxSequence = 9999

// folderName is the name of a request's folder: "0001-founding".
func folderName(sequence int, ceremony string) string {
	return fmt.Sprintf("%04d-%s", sequence, ceremony)
}

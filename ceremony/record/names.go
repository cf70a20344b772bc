package record

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/courier"
)

// Folders of a record.
const (
	SealedDir     = "sealed"
	SignaturesDir = "signatures"
	AnchorsDir    = "anchors"
	SessionDir    = "session"
)

// Names under sealed/, slash-separated.
const (
	RequestDir     = "request"
	Journal        = "journal.jsonl"
	Report         = "report.html"
	SlotFile       = "attestation/slot.pem"
	RecordSlotFile = "attestation/record-slot.pem"
	DeviceFile     = "attestation/device.pem"
	DestroyedFile  = "attestation/destroyed-slot.pem"
)

// RecordKeyFile is the record key's signature, under signatures/.
const RecordKeyFile = "record-key.dsse.json"

// CertificateFile names the certificate of one generation: "certificates/fulcio-g1.pem".
func CertificateFile(authority string, generation int) string {
	return "certificates/" + authority + "-g" + strconv.Itoa(generation) + ".pem"
}

// ChainFile names the chain of one generation, leaf-first, root last.
func ChainFile(authority string, generation int) string {
	return "certificates/" + authority + "-g" + strconv.Itoa(generation) + "-chain.pem"
}

// CRLFile names the CRL of one generation of the root, DER.
func CRLFile(generation int) string { return "crls/root-g" + strconv.Itoa(generation) + ".crl" }

// CRLs are the names of the CRLs among sealed files.
func CRLs(files map[string][]byte) []string {
	return slices.DeleteFunc(courier.Names(files), func(name string) bool { return !strings.HasPrefix(name, "crls/") })
}

// WitnessFiles name a witness's signature, and the attestation of its key and
// of its token.
func WitnessFiles(serial uint32) (envelope, slot, device string) {
	base := fmt.Sprintf("witness-%d/", serial)
	return base + "statement.dsse.json", base + "slot.pem", base + "device.pem"
}

var witnessForm = regexp.MustCompile(`^witness-([1-9][0-9]{0,9})/statement\.dsse\.json$`)

// witnessOf is the serial number in the name of a witness's signature, 0 for
// any other name.
func witnessOf(name string) uint32 {
	m := witnessForm.FindStringSubmatch(name)
	if m == nil {
		return 0
	}
	n, err := strconv.ParseUint(m[1], 10, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}

// sealedLimits are far above what a ceremony writes: a request, a journal and
// a few certificates.
var sealedLimits = courier.Limits{
	Files:  2000,
	Depth:  6,
	File:   4 << 20,
	Total:  128 << 20,
	Larger: map[string]int64{Journal: 64 << 20, RequestDir + "/ledger.jsonl": 16 << 20},
}

// signatureLimits leave room for a hundred witnesses.
var signatureLimits = courier.Limits{Files: 500, Depth: 2, File: 4 << 20, Total: 128 << 20}

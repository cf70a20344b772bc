package record

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/internal/fault"
)

// Names in a record, slash-separated.
const (
	SealedDir  = "sealed"
	RequestDir = "request"
	Journal    = "journal.jsonl"
	SlotFile   = "attestation/slot.pem"
	DeviceFile = "attestation/device.pem"
)

// CertificateFile names the certificate of one generation: "certificates/fulcio-g1.pem".
func CertificateFile(authority string, generation int) string {
	return "certificates/" + authority + "-g" + strconv.Itoa(generation) + ".pem"
}

// ChainFile names the chain of one generation, leaf-first, root last.
func ChainFile(authority string, generation int) string {
	return "certificates/" + authority + "-g" + strconv.Itoa(generation) + "-chain.pem"
}

// limits are far above what a ceremony writes: a request, a journal and a few
// certificates.
var limits = courier.Limits{
	Files:  2000,
	Depth:  6,
	File:   1 << 20,
	Total:  128 << 20,
	Larger: map[string]int64{Journal: 64 << 20, RequestDir + "/ledger.jsonl": 16 << 20},
}

// Record is a record whose files are those that SHA256SUMS lists.
type Record struct {
	Path  string
	Files map[string][]byte // what lies under sealed/, by slash-separated path
}

// Digest is the SHA-256 of SHA256SUMS, which covers every sealed file.
func (r *Record) Digest() [32]byte { return sha256.Sum256(r.Files[courier.SumsFile]) }

// RequestPath is the request as it came, a folder.
func (r *Record) RequestPath() string { return filepath.Join(r.Path, SealedDir, RequestDir) }

// Write seals files into a new record. It is there whole or not at all.
func Write(final string, files map[string][]byte) error {
	dir, err := durable.NewDir(final)
	if err != nil {
		return err
	}
	defer dir.Discard()
	all := map[string][]byte{}
	for name, data := range files {
		all[name] = data
	}
	all[courier.SumsFile] = courier.Sums(files)
	if err := courier.WriteFolder(filepath.Join(dir.Path(), SealedDir), all); err != nil {
		return err
	}
	return dir.Commit()
}

// Open reads a record, bounded, and holds it against SHA256SUMS. Every file
// that is missing, changed or too many is named.
func Open(path string) (*Record, error) {
	if _, err := os.Stat(filepath.Join(path, SealedDir)); errors.Is(err, os.ErrNotExist) {
		return nil, fault.New(fault.Usage, "name the folder that holds sealed/", fmt.Errorf("%s is no record", path))
	}
	files, err := courier.ReadFolder(filepath.Join(path, SealedDir), limits)
	if err == nil {
		err = courier.CheckSums(files)
	}
	if err != nil {
		return nil, fault.New(fault.Verification, "take the record from the ceremony's stick again; do not use this copy",
			fmt.Errorf("record %s: %w", path, err))
	}
	return &Record{Path: path, Files: files}, nil
}

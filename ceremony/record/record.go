package record

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/internal/fault"
)

const hintCopy = "take the record from the ceremony's stick again; do not use this copy"

// Record is a record whose files are those that SHA256SUMS lists.
type Record struct {
	Path       string
	Files      map[string][]byte            // what lies under sealed/, by slash-separated path
	Signatures map[string][]byte            // what lies under signatures/, by name
	Anchors    map[string]map[string][]byte // files by name, by folder under anchors/
}

// Digest is the SHA-256 of SHA256SUMS, which covers every sealed file.
func (r *Record) Digest() [32]byte { return sha256.Sum256(r.Files[courier.SumsFile]) }

// RequestPath is the request as it came, a folder.
func (r *Record) RequestPath() string { return filepath.Join(r.Path, SealedDir, RequestDir) }

// Witnesses are the serial numbers of the tokens that signed beside the record
// key.
func (r *Record) Witnesses() []uint32 {
	var serials []uint32
	for _, name := range courier.Names(r.Signatures) {
		if serial := witnessOf(name); serial != 0 {
			serials = append(serials, serial)
		}
	}
	return serials
}

// Seal adds SHA256SUMS to the files that a record seals.
func Seal(files map[string][]byte) (map[string][]byte, error) {
	all := maps.Clone(files)
	all[courier.SumsFile] = courier.Sums(files)
	if err := sealedLimits.Check(all); err != nil {
		return nil, fmt.Errorf("seal the record: %w", err)
	}
	return all, nil
}

// Write puts sealed files and their first signature into a new record. It is
// there whole or not at all.
func Write(final string, sealed map[string][]byte, envelope []byte) error {
	files := map[string][]byte{SignaturesDir + "/" + RecordKeyFile: envelope}
	for name, data := range sealed {
		files[SealedDir+"/"+name] = data
	}
	return courier.NewFolder(final, files)
}

// AddWitness puts a witness's signature and attestation into a record, as one
// folder in one rename. Until then it stands beside the record, so that a run
// that was killed leaves the record as it was.
func AddWitness(path string, serial uint32, envelope, slot, device []byte) error {
	name, slotName, deviceName := WitnessFiles(serial)
	final := filepath.Join(path, SignaturesDir, filepath.Dir(name))
	if _, err := os.Lstat(final); err == nil {
		return fault.New(fault.Usage, "nothing is left to do", fmt.Errorf("token %d signed this record already", serial))
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	dir, err := durable.NewDirAway(final, filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Discard()
	if err := courier.WriteFolder(dir.Path(), map[string][]byte{
		filepath.Base(name): envelope, filepath.Base(slotName): slot, filepath.Base(deviceName): device,
	}); err != nil {
		return err
	}
	return dir.Commit()
}

// Open reads a record, bounded, and holds it against SHA256SUMS. Every file
// that is missing, changed or too many is named.
func Open(path string) (*Record, error) {
	if _, err := os.Stat(filepath.Join(path, SealedDir)); errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.Usage, "name the folder that holds sealed/", fmt.Errorf("%s is not a record", path))
	}
	r := &Record{Path: path}
	if err := r.read(); err != nil {
		return nil, fault.New(fault.Verification, hintCopy, err)
	}
	return r, nil
}

func (r *Record) read() (err error) {
	if err := checkTop(r.Path); err != nil {
		return err
	}
	r.Files, err = courier.ReadFolder(filepath.Join(r.Path, SealedDir), sealedLimits)
	if err == nil {
		err = courier.CheckSums(r.Files)
	}
	if err != nil {
		return fmt.Errorf("sealed/: %w", err)
	}
	r.Signatures, err = courier.ReadFolder(filepath.Join(r.Path, SignaturesDir), signatureLimits)
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("signatures/" + RecordKeyFile + ": missing")
	}
	if err == nil {
		err = r.checkSignatureNames()
	}
	if err != nil {
		return fmt.Errorf("signatures/: %w", err)
	}
	r.Anchors, err = readAnchors(r.Path)
	return err
}

// checkTop refuses what has no place beside sealed/.
func checkTop(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		switch e.Name() {
		case SealedDir, SignaturesDir, AnchorsDir, SessionDir:
			if !e.IsDir() {
				return fmt.Errorf("%s: not a folder", e.Name())
			}
		default:
			return fmt.Errorf("%s: an extra file, a record has no place for it", courier.Quote(e.Name()))
		}
	}
	return nil
}

// checkSignatureNames refuses what is neither the record key's signature nor
// a whole set of a witness's files.
func (r *Record) checkSignatureNames() error {
	known := map[string]bool{RecordKeyFile: true}
	for _, serial := range r.Witnesses() {
		envelope, slot, device := WitnessFiles(serial)
		known[envelope], known[slot], known[device] = true, true, true
	}
	var errs []error
	for _, name := range courier.Names(known) {
		if _, ok := r.Signatures[name]; !ok {
			errs = append(errs, fmt.Errorf("%s: missing", name))
		}
	}
	for _, name := range courier.Names(r.Signatures) {
		if !known[name] {
			errs = append(errs, fmt.Errorf("%s: an extra file", name))
		}
	}
	return errors.Join(errs...)
}

// sessionLimits bound what is kept of a session for ever: hours of a terminal
// and some pictures, and no film.
var sessionLimits = courier.Limits{Files: 256, Depth: 4, File: 8 << 20, Total: 32 << 20}

// ReadSession reads the recordings and pictures beside what a record seals,
// none where there are none. Nothing vouches for them.
func ReadSession(path string) (map[string][]byte, error) {
	files, err := courier.ReadFolder(filepath.Join(path, SessionDir), sessionLimits)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fault.New(fault.Usage, "take out of session/ what should not be kept for ever, or pass --without-session", fmt.Errorf("session/: %w", err))
	}
	return files, nil
}

package tuf

import (
	"crypto"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/strict"
)

// changeLimits bound a staged change that travels as one file.
var changeLimits = courier.Limits{Files: 5000, Depth: folderLimits.Depth, File: maxTargetFile, Total: 128 << 20}

// ChangeFile is the one file of a staged folder, beside it: "staged/0007.tar".
func ChangeFile(dir string) string { return dir + ".tar" }

// Pack writes the staged change as one file for the holders, without what
// they add.
func Pack(s *Staged) error {
	files := s.files.covered()
	files[sumsName] = s.files[sumsName]
	if err := changeLimits.Check(files); err != nil {
		return fmt.Errorf("pack %s: %w", s.dir, err)
	}
	data, err := courier.Pack(filepath.Base(s.dir), s.Created, files)
	if err != nil {
		return fmt.Errorf("pack %s: %w", s.dir, err)
	}
	return durable.Replace(ChangeFile(s.dir), data, 0o644)
}

// OpenChange opens a staged change by its folder, or by its one file, which is
// unpacked into a folder of its own that done removes.
func OpenChange(path string) (s *Staged, done func() error, err error) {
	done = func() error { return nil }
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		s, err := OpenStaged(path)
		return s, done, err
	}
	data, err := courier.ReadTar(path, changeLimits)
	var files map[string][]byte
	var name string
	if err == nil {
		files, name, err = courier.Unpack(data, changeLimits)
	}
	if err != nil {
		return nil, done, fault.New(fault.Verification, "get the file again from the one who staged the change", fmt.Errorf("open staged change %s: %w", path, err))
	}
	temp, err := os.MkdirTemp("", "trustroot-change-")
	if err != nil {
		return nil, done, fmt.Errorf("unpack %s: %w", path, err)
	}
	done = func() error { return os.RemoveAll(temp) }
	if err := courier.WriteFolder(filepath.Join(temp, name), files); err != nil {
		return nil, done, fmt.Errorf("unpack %s: %w", path, err)
	}
	s, err = OpenStaged(filepath.Join(temp, name))
	return s, done, err
}

// reply is what a holder sends back: all of their signatures in one file.
type reply struct {
	Version    int             `json:"version"` // 1
	Change     string          `json:"change"`  // hex, the change's digest
	Signatures []signatureFile `json:"signatures"`
}

// Reply encodes the signatures of a holder's key as the one file to send back.
func Reply(s *Staged, holder string, pub crypto.PublicKey) ([]byte, error) {
	id, err := KeyID(pub)
	if err != nil {
		return nil, err
	}
	r := reply{Version: 1, Change: hex.EncodeToString(s.digest[:])}
	for _, d := range s.sign {
		if sig, ok := s.signatures[d.role][id]; ok {
			r.Signatures = append(r.Signatures, signatureFile{Role: d.role, Version: d.version(), Holder: holder, KeyID: id, Sig: hex.EncodeToString(sig.Signature)})
		}
	}
	return strict.Indented(r)
}

// answerOf reads what a holder sent: a reply, or the file of one signature.
func answerOf(s *Staged, data []byte) ([]signatureFile, error) {
	f, err := parseSignature(data)
	if err == nil {
		return []signatureFile{f}, nil
	}
	var r reply
	if readFile(data, maxReply, &r) != nil || r.Version != 1 {
		return nil, err
	}
	if r.Change != hex.EncodeToString(s.digest[:]) {
		return nil, errors.New("it is the reply to another change")
	}
	var errs []error
	for _, f := range r.Signatures {
		errs = append(errs, f.check())
	}
	return r.Signatures, errors.Join(errs...)
}

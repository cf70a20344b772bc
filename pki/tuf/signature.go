package tuf

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/strict"
)

// signatureFile is what a holder adds: signatures/ROLE.VERSION.KEYID.json.
type signatureFile struct {
	Role    string `json:"role"`
	Version int64  `json:"version"`
	Holder  string `json:"holder"`
	KeyID   string `json:"keyid"` // hex
	Sig     string `json:"sig"`   // hex, ASN.1 DER ECDSA over the SHA-256 of the canonical JSON
}

func (f signatureFile) name() string {
	return f.Role + "." + strconv.FormatInt(f.Version, 10) + "." + f.KeyID + ".json"
}

// parseSignature reads a signature file.
func parseSignature(data []byte) (signatureFile, error) {
	if len(data) > maxSignature {
		return signatureFile{}, fmt.Errorf("%d bytes, at most %d", len(data), maxSignature)
	}
	var f signatureFile
	if err := strict.JSON(data, &f); err != nil {
		return signatureFile{}, err
	}
	return f, f.check()
}

func (f signatureFile) check() error {
	switch {
	case !roleName.MatchString(f.Role):
		return fmt.Errorf("role %q is not a role name", f.Role)
	case f.Version < 1:
		return fmt.Errorf("version %d is not a version", f.Version)
	case !holderName.MatchString(f.Holder):
		return fmt.Errorf("holder %q is not a name", f.Holder)
	case !keyIDForm.MatchString(f.KeyID):
		return fmt.Errorf("keyid %q is not a key ID", f.KeyID)
	}
	if _, err := hex.DecodeString(f.Sig); err != nil || f.Sig == "" || f.Sig != strings.ToLower(f.Sig) {
		return errors.New("sig is not lower-case hex")
	}
	return nil
}

// accept checks a signature file against what is to be signed and keeps it.
func accept(s *Staged, f signatureFile) error {
	d := s.find(f.Role)
	if d == nil {
		return fmt.Errorf("%s is not to be signed here", f.Role)
	}
	if d.version() != f.Version {
		return fmt.Errorf("it is over %s version %d; version %d is to be signed here", f.Role, f.Version, d.version())
	}
	sets, err := demands(s, d)
	if err != nil {
		return err
	}
	raw, err := hex.DecodeString(f.Sig)
	if err != nil {
		return err
	}
	sig := metadata.Signature{KeyID: f.KeyID, Signature: raw}
	at := slices.IndexFunc(sets, func(set keySet) bool { return set.keys[f.KeyID] != nil })
	if at < 0 {
		return fmt.Errorf("key %.12s of %s does not sign %s", f.KeyID, f.Holder, d.fileName())
	}
	if err := sets[at].verify(d, sig); err != nil {
		return err
	}
	if s.signatures[f.Role] == nil {
		s.signatures[f.Role] = map[string]metadata.Signature{}
	}
	s.signatures[f.Role][f.KeyID] = sig
	return nil
}

func readSignatures(s *Staged) error {
	for _, name := range s.files.in(signaturesDir) {
		sig, err := parseSignature(s.files[signaturesDir+"/"+name])
		if err == nil && sig.name() != name {
			err = fmt.Errorf("it should be named %s", sig.name())
		}
		if err == nil {
			err = accept(s, sig)
		}
		if err != nil {
			return fault.New(fault.Verification, "remove that signature file and let the holder sign this folder", fmt.Errorf("%s/%s: %w", signaturesDir, name, err))
		}
	}
	return nil
}

func signAll(s *Staged, built []*document, holder string, key crypto.Signer) error {
	if key == nil {
		return errors.New("no signer")
	}
	id, err := KeyID(key.Public())
	if err != nil {
		return err
	}
	if !holderName.MatchString(holder) {
		return fault.New(fault.Usage, "", fmt.Errorf("holder %q: use letters, digits and ._@+- in a name", holder))
	}
	if name, known := s.Holders[id]; known && name != holder {
		return fault.New(fault.Usage, "sign with your own token", fmt.Errorf("this is the key of %s, not of %s", name, holder))
	}
	docs, err := countsFor(s, built, id)
	if err != nil {
		return err
	}
	if len(docs) == 0 {
		return fault.New(fault.Usage, "check that the token and the slot are those that you gave when you joined",
			fmt.Errorf("key %.12s of %s signs none of the roles here", id, holder))
	}
	docs = slices.DeleteFunc(docs, func(d *document) bool { _, signed := s.signatures[d.role][id]; return signed })
	if len(docs) == 0 {
		return fault.New(fault.Failure, "a second signature by one holder would not count; let another holder sign", fmt.Errorf("%s has signed already", holder))
	}
	var out []signatureFile
	for _, d := range docs {
		sig, err := signDocument(d, key)
		if err != nil {
			return err
		}
		// signatures stand in files of their own until the merge
		*d.signatures() = nil
		out = append(out, signatureFile{Role: d.role, Version: d.version(), Holder: holder, KeyID: sig.KeyID, Sig: hex.EncodeToString(sig.Signature)})
	}
	return keep(s, out)
}

// countsFor returns those of docs that a key counts for.
func countsFor(s *Staged, docs []*document, id string) ([]*document, error) {
	var out []*document
	for _, d := range docs {
		sets, err := demands(s, d)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(sets, func(set keySet) bool { return set.keys[id] != nil }) {
			out = append(out, d)
		}
	}
	return out, nil
}

// keep writes signature files: all of them or none.
func keep(s *Staged, sigs []signatureFile) (err error) {
	dir := filepath.Join(s.dir, signaturesDir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var written []string
	defer func() {
		if err != nil {
			for _, path := range written {
				err = errors.Join(err, os.Remove(path))
			}
		}
	}()
	for _, f := range sigs {
		data, err := strict.Indented(f)
		if err != nil {
			return err
		}
		path := filepath.Join(dir, f.name())
		if err := durable.Write(path, data, 0o644); err != nil {
			return err
		}
		written = append(written, path)
	}
	for _, f := range sigs {
		if err := accept(s, f); err != nil {
			return err
		}
	}
	return nil
}

// Add takes signature files that holders sent, in any order. It refuses all of
// them if one is not over this change. A signature that is there already is
// left as it is.
func (s *Staged) Add(contents ...[]byte) error {
	var sigs []signatureFile
	probe := *s
	probe.signatures = map[string]map[string]metadata.Signature{}
	for i, data := range contents {
		files, err := answerOf(s, data)
		for _, f := range files {
			err = errors.Join(err, accept(&probe, f))
			if _, there := s.signatures[f.Role][f.KeyID]; !there && !slices.ContainsFunc(sigs, func(o signatureFile) bool { return o.name() == f.name() }) {
				sigs = append(sigs, f)
			}
		}
		if err != nil {
			return fault.New(fault.Verification, "nothing was added; let the holder sign this folder", fmt.Errorf("signature file %d: %w", i+1, err))
		}
	}
	if err := keep(s, sigs); err != nil {
		return fmt.Errorf("add signatures to %s: %w", s.dir, err)
	}
	return nil
}

// signDocument signs a document with a P-256 key and returns the signature,
// which is appended to the document too. The error wraps the signer's own.
func signDocument(d *document, key crypto.Signer) (*metadata.Signature, error) {
	sig, err := signatureOf(d, key)
	if err != nil {
		return nil, fmt.Errorf("sign %s: %w", d.fileName(), err)
	}
	*d.signatures() = append(*d.signatures(), *sig)
	return sig, nil
}

func signatureOf(d *document, key crypto.Signer) (*metadata.Signature, error) {
	if key == nil {
		return nil, errors.New("no signer")
	}
	pub, err := CheckKey(key.Public())
	if err != nil {
		return nil, err
	}
	id, err := KeyID(pub)
	if err != nil {
		return nil, err
	}
	payload, err := d.canonical()
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(payload)
	sig, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	if !ecdsa.VerifyASN1(pub, digest[:], sig) {
		return nil, errors.New("the signer's answer is not a signature by its own key")
	}
	return &metadata.Signature{KeyID: id, Signature: sig}, nil
}

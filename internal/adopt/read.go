package adopt

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/yubikey"
)

// maxAdopted bounds what is read: a hierarchy has tens of files.
const maxAdopted = 1000

// adopted is what the files hold, each certificate and key once.
type adopted struct {
	certificates []*x509.Certificate
	keys         []adoptedKey
	roots        []*oldRoot        // trusted roots of any age
	configs      []*oldConfig      // signing configs
	tokens       []*yubikey.State  // states of tokens, their signatures verified
	names        map[string]string // of files by the SHA-256 of what they hold
}

// adoptedKey is a public key and where it was found.
type adoptedKey struct {
	key   crypto.PublicKey
	spki  string
	where string
}

func readAdopted(paths []string) (*adopted, error) {
	in := &adopted{}
	var errs []error
	for _, path := range paths {
		files, err := filesUnder(path)
		if err != nil {
			errs = append(errs, err)
		}
		for _, file := range files {
			if err := in.read(file); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", file, err))
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fault.New(fault.Usage, "name files and folders that hold certificates and public keys in PEM; nothing was written", err)
	}
	return in, nil
}

// filesUnder lists a file, or the regular files of a folder and those below.
func filesUnder(path string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(path, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.Type().IsRegular() {
			files = append(files, name)
		}
		if len(files) > maxAdopted {
			return fmt.Errorf("%s holds more than %d files", path, maxAdopted)
		}
		return nil
	})
	return files, err
}

// read takes the certificates or the public key out of a file. One without PEM
// is passed over: a folder may hold anything. A private key is refused.
func (in *adopted) read(file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if info.Size() > 1<<20 {
		return nil
	}
	data, err := courier.ReadFile(file, courier.MaxFile)
	if err != nil {
		return err
	}
	switch {
	case len(bytes.TrimSpace(data)) > 0 && bytes.ContainsAny(bytes.TrimSpace(data)[:1], "{["):
		return in.readJSON(file, data)
	case bytes.Contains(data, []byte("PRIVATE KEY-----")):
		return errors.New("holds a private key, which adopting never reads: leave it out")
	case bytes.Contains(data, []byte("-----BEGIN CERTIFICATE-----")):
		certificates, err := pki.ParseCertificates(data)
		for _, c := range certificates {
			in.add(c)
		}
		if len(certificates) == 1 {
			in.named(file, digest.Hex(certificates[0].Raw))
		}
		return err
	case bytes.Contains(data, []byte("-----BEGIN PUBLIC KEY-----")):
		key, err := pki.ParseAnyPublicKey(data)
		if err != nil {
			return err
		}
		return in.addKey(key, file)
	}
	return nil
}

// named remembers a file's name, under which people may fetch it.
func (in *adopted) named(file, of string) {
	if in.names == nil {
		in.names = map[string]string{}
	}
	in.names[of] = filepath.Base(file)
}

// readJSON takes a trusted root, a signing config or a token's state out of a
// file, and passes over anything else.
func (in *adopted) readJSON(file string, data []byte) error {
	var states []*yubikey.State
	if err := json.Unmarshal(data, &states); err == nil && len(states) > 0 && states[0].SPKISHA256 != "" {
		for _, s := range states {
			if err := s.Verify(); err != nil {
				return err
			}
		}
		in.tokens = append(in.tokens, states...)
		return nil
	}
	var shape struct {
		CAs    json.RawMessage `json:"certificateAuthorities"`
		Tlogs  json.RawMessage `json:"tlogs"`
		CAURLs json.RawMessage `json:"caUrls"`
	}
	if json.Unmarshal(data, &shape) != nil {
		return nil //nolint:nilerr // a file of another kind
	}
	switch {
	case shape.CAs != nil || shape.Tlogs != nil:
		old, err := parseOldRoot(file, data)
		if err != nil {
			return err
		}
		in.roots = append(in.roots, old)
	case shape.CAURLs != nil:
		config := &oldConfig{path: file}
		if err := json.Unmarshal(data, config); err != nil {
			return fmt.Errorf("signing config: %w", err)
		}
		in.configs = append(in.configs, config)
	}
	return nil
}

func (in *adopted) add(c *x509.Certificate) {
	if slices.ContainsFunc(in.certificates, c.Equal) {
		return
	}
	in.certificates = append(in.certificates, c)
}

func (in *adopted) addKey(key crypto.PublicKey, where string) error {
	spki, err := pki.SPKISHA256(key)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(in.keys, func(have adoptedKey) bool { return have.spki == spki }) {
		return nil
	}
	in.keys = append(in.keys, adoptedKey{key, spki, where})
	in.named(where, spki)
	return nil
}

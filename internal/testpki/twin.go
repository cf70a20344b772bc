package testpki

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // key identifiers are SHA-1 (RFC 5280 4.2.1.2)
	"crypto/sha256"
	_ "crypto/sha512" // P-384 signs SHA-384
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Twin is a hierarchy that is like one that others published, under keys that a
// test holds: each certificate, trusted root and key file again, with other keys,
// key identifiers and signatures, and every other byte kept.
type Twin struct {
	Certificates []*x509.Certificate // each once, as they are in the files
	keys         map[string]*ecdsa.PrivateKey
	old          []*x509.Certificate
	replace      []string // pairs: text as published, text here
	organization [2]string
}

// NewTwin reads the files of one folder and writes their twins into another, which
// it makes. Certificates and keys are ECDSA, and each issuer's certificate is
// among the files. The organization of every subject becomes another one of the
// same length: a rehearsal's names say so.
func NewTwin(from, to, organization, becomes string) (*Twin, error) {
	if len(organization) != len(becomes) {
		return nil, fmt.Errorf("%q and %q differ in length", organization, becomes)
	}
	files := map[string][]byte{}
	if err := fs.WalkDir(os.DirFS(from), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		files[name], err = os.ReadFile(filepath.Join(from, name)) // #nosec G304 -- a test's folder
		return err
	}); err != nil {
		return nil, err
	}
	t := &Twin{
		keys: map[string]*ecdsa.PrivateKey{}, organization: [2]string{organization, becomes},
		replace: []string{`"organization": "` + organization + `"`, `"organization": "` + becomes + `"`},
	}
	for _, data := range files {
		if err := t.read(data); err != nil {
			return nil, err
		}
	}
	if err := t.issue(); err != nil {
		return nil, err
	}
	text := strings.NewReplacer(t.replace...)
	for name, data := range files {
		path := filepath.Join(to, name)
		if block, _ := pem.Decode(data); block != nil {
			block.Bytes = t.bytes(block.Bytes)
			data = pem.EncodeToMemory(block)
		} else {
			data = []byte(text.Replace(string(data)))
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(path, data, 0o600)); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// Key is the private key behind a subject public key info that stands in the
// files made, or nil.
func (t *Twin) Key(spki []byte) *ecdsa.PrivateKey {
	for _, key := range t.keys {
		if made, err := x509.MarshalPKIXPublicKey(key.Public()); err == nil && bytes.Equal(made, spki) {
			return key
		}
	}
	return nil
}

// read takes the certificates and keys out of a file.
func (t *Twin) read(data []byte) error {
	if block, _ := pem.Decode(data); block != nil {
		return t.add(block.Bytes)
	}
	var value any
	if json.Unmarshal(data, &value) != nil {
		return nil //nolint:nilerr // a file of another kind
	}
	var walk func(any) error
	walk = func(value any) (err error) {
		switch v := value.(type) {
		case []any:
			for _, e := range v {
				err = errors.Join(err, walk(e))
			}
		case map[string]any:
			for name, e := range v {
				der, errB := base64.StdEncoding.DecodeString(fmt.Sprint(e))
				if name == "rawBytes" && errB == nil {
					err = errors.Join(err, t.add(der))
				} else {
					err = errors.Join(err, walk(e))
				}
			}
		}
		return err
	}
	return walk(value)
}

// add takes a certificate or a key, and makes the key's twin.
func (t *Twin) add(der []byte) error {
	spki := der
	if c, err := x509.ParseCertificate(der); err == nil {
		spki = c.RawSubjectPublicKeyInfo
		if !slices.ContainsFunc(t.old, c.Equal) {
			t.old = append(t.old, c)
		}
	}
	if t.keys[string(spki)] != nil {
		return nil
	}
	public, err := x509.ParsePKIXPublicKey(spki)
	if err != nil {
		return err
	}
	ec, ok := public.(*ecdsa.PublicKey)
	if !ok {
		return fmt.Errorf("a key of type %T has no twin", public)
	}
	key, err := ecdsa.GenerateKey(ec.Curve, rand.Reader)
	if err != nil {
		return err
	}
	t.keys[string(spki)] = key
	made, id, madeID := t.spki(spki), sha256.Sum256(spki), sha256.Sum256(t.spki(spki))
	t.replace = append(t.replace, encoded(spki), encoded(made), encoded(id[:]), encoded(madeID[:]))
	return nil
}

// spki is what stands for a subject public key info.
func (t *Twin) spki(old []byte) []byte {
	der, err := x509.MarshalPKIXPublicKey(t.keys[string(old)].Public())
	if err != nil {
		panic(err) // an ECDSA key that was made here
	}
	return der
}

// issue makes every certificate again.
func (t *Twin) issue() error {
	for _, c := range t.old {
		by := t.issuerOf(c)
		if by == nil {
			return fmt.Errorf("the issuer of %s is not among the files", c.Subject)
		}
		tbs := bytes.Clone(c.RawTBSCertificate)
		for _, of := range []*x509.Certificate{c, by} { // of one length each: the same curve, the same digest
			tbs = bytes.ReplaceAll(tbs, of.RawSubjectPublicKeyInfo, t.spki(of.RawSubjectPublicKeyInfo))
			if len(of.SubjectKeyId) > 0 {
				tbs = bytes.ReplaceAll(tbs, of.SubjectKeyId, keyID(t.keys[string(of.RawSubjectPublicKeyInfo)]))
			}
		}
		for _, tag := range []byte{asn1.TagUTF8String, asn1.TagPrintableString} { // id-at-organizationName and the string
			attribute := []byte{asn1.TagOID, 3, 0x55, 4, 10, tag, byte(len(t.organization[0]))} //nolint:gosec // X.520 ends a name at 64 characters
			tbs = bytes.ReplaceAll(tbs, append(bytes.Clone(attribute), t.organization[0]...), append(attribute, t.organization[1]...))
		}
		der, err := sign(c, tbs, t.keys[string(by.RawSubjectPublicKeyInfo)])
		if err != nil {
			return err
		}
		made, err := x509.ParseCertificate(der)
		if err != nil {
			return err
		}
		t.Certificates = append(t.Certificates, made)
		t.replace = append(t.replace, encoded(c.Raw), encoded(der))
	}
	return nil
}

func (t *Twin) issuerOf(c *x509.Certificate) *x509.Certificate {
	for _, by := range t.old {
		if bytes.Equal(by.RawSubject, c.RawIssuer) && by.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil {
			return by
		}
	}
	return nil
}

// bytes is what stands for a certificate or a key.
func (t *Twin) bytes(old []byte) []byte {
	for i := 0; i < len(t.replace); i += 2 {
		if t.replace[i] == encoded(old) {
			made, err := base64.StdEncoding.DecodeString(t.replace[i+1])
			if err == nil {
				return made
			}
		}
	}
	return old
}

// sign makes a certificate of its signed part, with the algorithm of the one
// that it stands for.
func sign(old *x509.Certificate, tbs []byte, key crypto.Signer) ([]byte, error) {
	hash, ok := map[x509.SignatureAlgorithm]crypto.Hash{x509.ECDSAWithSHA256: crypto.SHA256, x509.ECDSAWithSHA384: crypto.SHA384}[old.SignatureAlgorithm]
	if !ok {
		return nil, fmt.Errorf("%s is signed with %s", old.Subject, old.SignatureAlgorithm)
	}
	h := hash.New()
	h.Write(tbs)
	signature, err := key.Sign(rand.Reader, h.Sum(nil), hash)
	if err != nil {
		return nil, err
	}
	var parts struct {
		TBS, Algorithm asn1.RawValue
		Signature      asn1.BitString
	}
	if _, err := asn1.Unmarshal(old.Raw, &parts); err != nil {
		return nil, err
	}
	parts.TBS = asn1.RawValue{FullBytes: tbs}
	parts.Signature = asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}
	return asn1.Marshal(parts)
}

// keyID is the SHA-1 of the key's bit string (RFC 5280 4.2.1.2).
func keyID(key *ecdsa.PrivateKey) []byte {
	point, err := key.PublicKey.Bytes()
	if err != nil {
		panic(err) // a key that was made here
	}
	id := sha1.Sum(point) //nolint:gosec // as above
	return id[:]
}

func encoded(der []byte) string { return base64.StdEncoding.EncodeToString(der) }

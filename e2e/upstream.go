package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// fileKey makes a key that is thrown away afterwards, as upstream's TesseraCT
// reads it, and its public half beside it.
func (w *world) fileKey(name string, curve elliptic.Curve) (string, error) {
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		return "", err
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return "", err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return "", err
	}
	path := w.path("work", name+".pem")
	return path, errors.Join(
		os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private}), 0o600),
		os.WriteFile(path+".pub", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), 0o600))
}

// startUpstream starts the unmodified program in the place of ours: as it was
// rendered, with a key of its own in a file and a folder of its own.
func (w *world) startUpstream(ctx context.Context, s service, key, folder string) error {
	if old := w.live[s.Name]; old != nil {
		old.stop()
	}
	ports, err := freePorts(1)
	if err != nil {
		return err
	}
	args := with("-storage_dir", folder)(s.filled(w, ports))
	args = with("-private_key", key)(args)
	p, err := w.start("tesseract-posix", nil, w.posix, args...)
	if err != nil {
		return err
	}
	w.live[s.Name] = p
	base := "http://127.0.0.1:" + ports[0]
	if err := w.route(s, base, args); err != nil {
		return err
	}
	return p.until(ctx, func(ctx context.Context) error {
		return answers(ctx, base+"/"+value(args, "-path_prefix")+"/ct/v1/get-roots")
	})
}

// upstream shows that the unmodified TesseraCT takes the rendered roots and
// origin: it answers a chain of our root's with a timestamp under its key.
func (w *world) upstream(ctx context.Context) error {
	rendered, err := w.render(ctx, "services-upstream", "tesseract")
	if err != nil {
		return err
	}
	s := rendered["tesseract"]
	key, err := w.fileKey("upstream", elliptic.P256())
	if err != nil {
		return err
	}
	if err := w.startUpstream(ctx, s, key, w.path("ctlog-upstream")); err != nil {
		return err
	}
	var chain [][]byte
	data, err := os.ReadFile(filepath.Join(w.trust, "authorities", "fulcio", "g1", "chain.pem"))
	if err != nil {
		return err
	}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		chain = append(chain, block.Bytes)
	}
	body, err := json.Marshal(map[string]any{"chain": chain})
	if err != nil {
		return err
	}
	answer, err := w.post(ctx, "https://ctlog.example.com/"+value(s.Arguments, "-path_prefix")+"/ct/v1/add-chain", "application/json", body)
	if err != nil {
		return err
	}
	return checkSCT(key+".pub", chain[0], answer)
}

// checkSCT verifies a signed certificate timestamp of a whole certificate (RFC
// 6962 3.2 and 4.1) with nothing but the standard library.
func checkSCT(public string, certificate, answer []byte) error {
	data, err := os.ReadFile(public)
	if err != nil {
		return err
	}
	block, _ := pem.Decode(data)
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return err
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok {
		return fmt.Errorf("%s is not an ECDSA key", public)
	}
	var sct struct {
		Version    byte   `json:"sct_version"`
		ID         []byte `json:"id"`
		Timestamp  uint64 `json:"timestamp"`
		Extensions string `json:"extensions"`
		Signature  []byte `json:"signature"`
	}
	if err := json.Unmarshal(answer, &sct); err != nil {
		return err
	}
	extensions, err := base64.StdEncoding.DecodeString(sct.Extensions)
	if err != nil {
		return err
	}
	if id := sha256.Sum256(block.Bytes); !bytes.Equal(sct.ID, id[:]) || sct.Version != 0 {
		return errors.New("the timestamp is of another log")
	}
	signed := binary.BigEndian.AppendUint64([]byte{0, 0}, sct.Timestamp) // v1, certificate_timestamp
	signed = append(signed, 0, 0)                                        // x509_entry
	signed = append(signed, byte(len(certificate)>>16), byte(len(certificate)>>8), byte(len(certificate)))
	signed = append(signed, certificate...)
	signed = binary.BigEndian.AppendUint16(signed, uint16(len(extensions)))
	signed = append(signed, extensions...)
	digest := sha256.Sum256(signed)
	// hash and signature algorithm, then the signature's length
	if len(sct.Signature) < 4 || !ecdsa.VerifyASN1(key, digest[:], sct.Signature[4:]) {
		return errors.New("the timestamp's signature does not verify")
	}
	return nil
}

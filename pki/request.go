package pki

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// maxRequest bounds a certification request, DER or PEM, in bytes.
const maxRequest = 16 << 10

// Request is a certification request (PKCS#10, RFC 2986) whose signature was
// checked: whoever made it holds the key. It supplies a key and nothing else;
// names and extensions of a certificate come from the plan.
type Request struct {
	DER        []byte
	PublicKey  *ecdsa.PublicKey // on P-256 or P-384
	SPKISHA256 string           // lower-case hex
	Subject    Subject          // zero if the name is not an organization and a common name
	Name       string           // the subject as text, whatever its shape
	Ignored    []string         // OIDs of the extensions that were asked for and are not given
}

// NewRequest makes a certification request, DER, signed by signer with the
// hash of its curve. It asks for no extensions. A signer whose answer does not
// verify under its own public key is an error.
func NewRequest(subject Subject, signer crypto.Signer) ([]byte, error) {
	name, err := subject.DER()
	if err != nil {
		return nil, fmt.Errorf("make certification request: %w", err)
	}
	key, err := CheckKey(signer.Public())
	if err != nil {
		return nil, fmt.Errorf("make certification request: %w", err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		RawSubject:         name,
		SignatureAlgorithm: suiteOf(key).algorithm,
	}, signer)
	if err != nil {
		return nil, fmt.Errorf("make certification request: %w", err)
	}
	if _, err := ParseRequest(der); err != nil {
		return nil, fmt.Errorf("make certification request: check the answer of the signer: %w", err)
	}
	return der, nil
}

// ParseRequest reads a certification request, PEM or DER, of at most 16 KiB
// and checks its signature. It refuses keys other than ECDSA on P-256 and
// P-384 and signatures with SHA-1.
func ParseRequest(data []byte) (*Request, error) {
	der, err := requestDER(data)
	if err != nil {
		return nil, err
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, fmt.Errorf("parse certification request: %w", err)
	}
	key, err := CheckKey(csr.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("certification request: %w", err)
	}
	switch csr.SignatureAlgorithm {
	case x509.ECDSAWithSHA256, x509.ECDSAWithSHA384, x509.ECDSAWithSHA512:
	default:
		return nil, fmt.Errorf("certification request: signature algorithm %s is not accepted", csr.SignatureAlgorithm)
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, fmt.Errorf("certification request: its signature does not prove that its maker holds the key: %w", err)
	}
	spki, err := SPKISHA256(key)
	if err != nil {
		return nil, err
	}
	r := &Request{DER: csr.Raw, PublicKey: key, SPKISHA256: spki, Name: csr.Subject.String()}
	if subject, err := ParseSubject(csr.RawSubject); err == nil && subject.Raw == "" {
		r.Subject = subject
	}
	for _, extension := range csr.Extensions {
		r.Ignored = append(r.Ignored, extension.Id.String())
	}
	return r, nil
}

// PEM writes the request in its one form.
func (r *Request) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: r.DER})
}

func requestDER(data []byte) ([]byte, error) {
	if len(data) > maxRequest {
		return nil, fmt.Errorf("parse certification request: %d bytes are more than the %d that are read", len(data), maxRequest)
	}
	if !bytes.Contains(data, pemBegin) {
		return data, nil
	}
	if err := checkPEM(data, 1, "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"); err != nil {
		return nil, fmt.Errorf("parse certification request: %w", err)
	}
	block, rest := pem.Decode(data)
	if len(bytes.TrimSpace(rest)) != 0 {
		return nil, errors.New("parse certification request: data after the PEM block")
	}
	return block.Bytes, nil
}

// CheckSubject refuses a request that names another subject than the plan.
// String types are not compared: the certificate takes those of the plan.
func (r *Request) CheckSubject(want Subject) error {
	if r.Subject.Organization != want.Organization || r.Subject.CommonName != want.CommonName {
		return fmt.Errorf("the request names %q, the plan names %q", r.Name, want)
	}
	return nil
}

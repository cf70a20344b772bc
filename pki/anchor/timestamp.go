package anchor

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/digitorus/timestamp"
	"github.com/sigstore/timestamp-authority/v2/pkg/verification"

	"github.com/linnemanlabs/trustroot/pki"
)

// VerifyTimestamp proves an RFC 3161 response over the SHA-256 of data, made
// under the first certificate of a chain, and returns its time. The
// certificates must have been valid then: a timestamp outlives its authority.
func VerifyTimestamp(data, response []byte, chain []*x509.Certificate) (at time.Time, err error) {
	defer func() { // what strangers wrote must not end the program
		if r := recover(); r != nil {
			at, err = time.Time{}, fmt.Errorf("no timestamp response: %v", r)
		}
	}()
	if err := errors.Join(checkSize(response), checkPurpose(chain)); err != nil {
		return time.Time{}, err
	}
	t, err := verification.VerifyTimestampResponse(response, bytes.NewReader(data), verification.VerifyOpts{
		TSACertificate: chain[0],
		Intermediates:  chain[1 : len(chain)-1],
		Roots:          chain[len(chain)-1:],
	})
	if err != nil {
		return time.Time{}, err
	}
	if t.HashAlgorithm != crypto.SHA256 {
		return time.Time{}, fmt.Errorf("it is over a digest of %s, not SHA-256", t.HashAlgorithm)
	}
	return t.Time.UTC(), nil
}

// ErrAnotherRoot says that a timestamp is by an authority under another root
// than the record's, which alone judges the record.
var ErrAnotherRoot = errors.New("a record is judged by its own root alone, and this authority is under another one")

// maxTimestamp bounds an RFC 3161 response, in bytes. It has a few kilobytes;
// pkcs7 goes down one call a level, and megabytes of levels end the program.
const maxTimestamp = 64 << 10

func checkSize(response []byte) error {
	if len(response) > maxTimestamp {
		return fmt.Errorf("it has %d bytes, more than the %d of any timestamp", len(response), maxTimestamp)
	}
	return nil
}

// checkPurpose wants timeStamping on all that stands between an authority and
// the root. The libraries take a CA without any purpose for one with all, and
// so would let a CA for workloads say when something existed.
func checkPurpose(chain []*x509.Certificate) error {
	for _, c := range chain[1 : len(chain)-1] {
		if !slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageTimeStamping) {
			return fmt.Errorf("the CA %s is not for timestamp authorities: it lacks the purpose timeStamping", c.Subject)
		}
	}
	return nil
}

// readChain reads a chain in the one form that is written here, from the
// authority up to the root.
func readChain(data []byte, root *x509.Certificate) ([]*x509.Certificate, error) {
	chain, err := pki.ParseCertificates(data)
	if err != nil {
		return nil, err
	}
	again, err := pki.EncodeCertificates(chain)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, data) {
		return nil, errors.New("not PEM in the form that is written here")
	}
	if len(chain) < 2 || !chain[len(chain)-1].Equal(root) {
		return nil, errors.New("it does not end in the root that this is about")
	}
	return chain, nil
}

// ChainOf finds the certificates that lead from the signer of an RFC 3161
// response to a root, leaf-first and root last. The response must carry its
// signer's certificate; those between may stand in it or among the others. The
// error of a signer under another root is ErrAnotherRoot.
func ChainOf(response []byte, root *x509.Certificate, others []*x509.Certificate) ([]*x509.Certificate, error) {
	if err := checkSize(response); err != nil {
		return nil, err
	}
	t, err := timestamp.ParseResponse(response)
	if err != nil {
		return nil, err
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(root)
	for _, c := range slices.Concat(t.Certificates, others) {
		between.AddCert(c)
	}
	if len(t.Certificates) == 0 {
		return nil, errors.New("it carries no certificate")
	}
	var problems []error
	unknown := 0
	for _, c := range t.Certificates {
		chains, err := c.Verify(x509.VerifyOptions{
			Roots: roots, Intermediates: between, CurrentTime: t.Time,
			KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping},
		})
		if err == nil && !c.IsCA && len(chains[0]) > 1 {
			return chains[0], nil
		}
		if err == nil {
			err = errors.New("a CA's")
		}
		if _, other := errors.AsType[x509.UnknownAuthorityError](err); other {
			unknown++
			err = errors.New("under another root, issued by " + c.Issuer.String())
		}
		problems = append(problems, fmt.Errorf("%s: %w", c.Subject, err))
	}
	err = fmt.Errorf("no certificate that it carries leads to the root %s: %w", root.Subject, errors.Join(problems...))
	if unknown == len(problems) {
		err = errors.Join(err, ErrAnotherRoot)
	}
	return nil, err
}

// CheckTimestamps is the first half of New: nothing needs to be logged where
// the timestamps do not hold.
func (s Subject) CheckTimestamps(m Material) error {
	e, err := readEnvelope(s)
	if err != nil {
		return err
	}
	at, err := VerifyTimestamp(e.Statement, m.Timestamp, m.Chain)
	if err != nil {
		return err
	}
	if _, err := VerifyTimestamp(e.Signature, m.SignatureTimestamp, m.Chain); err != nil {
		return err
	}
	return s.checkTime(at)
}

package services

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
)

// Defects of a chain, for who tells them apart.
var (
	ErrReversed    = errors.New("chain reversed: the root stands first, the service's own certificate belongs there")
	ErrRootMissing = errors.New("root missing: the last certificate is not self-signed")
	ErrBroken      = errors.New("chain broken")
	ErrNoCA        = errors.New("no CA: Fulcio's certificate cannot issue")
	ErrNoCertSign  = errors.New("no keyCertSign: Fulcio starts with this certificate and fails at its first issuance")
	ErrNoPurpose   = errors.New("extended key usage missing")
	ErrAlone       = errors.New("certificate alone: the timestamp server wants its certificate and the issuer's")
)

// CheckFulcioChain holds a chain to what Fulcio needs: the CA's certificate
// first and the root last, keyCertSign, and codeSigning below a root.
func CheckFulcioChain(chain []*x509.Certificate) error {
	if err := checkOrder(chain); err != nil {
		return err
	}
	ca := chain[0]
	var problems []error
	if !ca.IsCA {
		problems = append(problems, ErrNoCA)
	}
	if ca.KeyUsage&x509.KeyUsageCertSign == 0 {
		problems = append(problems, ErrNoCertSign)
	}
	if len(chain) > 1 && !slices.Contains(ca.ExtKeyUsage, x509.ExtKeyUsageCodeSigning) {
		problems = append(problems, fmt.Errorf("%w: codeSigning, without which Fulcio refuses the chain at the start", ErrNoPurpose))
	}
	return errors.Join(problems...)
}

// CheckTSAChain holds a chain to what the timestamp server needs: its own
// certificate first, no CA, for timeStamping alone, and the root last.
func CheckTSAChain(chain []*x509.Certificate) error {
	if len(chain) == 1 {
		return ErrAlone
	}
	if err := checkOrder(chain); err != nil {
		return err
	}
	var problems []error
	if chain[0].IsCA {
		problems = append(problems, fmt.Errorf("%w: the first certificate is a CA's", ErrBroken))
	}
	if len(chain[0].ExtKeyUsage) != 1 || len(chain[0].UnknownExtKeyUsage) > 0 || !slices.Contains(chain[0].ExtKeyUsage, x509.ExtKeyUsageTimeStamping) {
		problems = append(problems, fmt.Errorf("%w: timeStamping, and no other", ErrNoPurpose))
	}
	for _, between := range chain[1 : len(chain)-1] {
		if !slices.Contains(between.ExtKeyUsage, x509.ExtKeyUsageTimeStamping) {
			problems = append(problems, fmt.Errorf("%w: timeStamping on %s", ErrNoPurpose, between.Subject))
		}
	}
	return errors.Join(problems...)
}

// checkOrder wants each certificate signed by the next one and the last by
// itself.
func checkOrder(chain []*x509.Certificate) error {
	if len(chain) == 0 {
		return fmt.Errorf("%w: it is empty", ErrBroken)
	}
	last := chain[len(chain)-1]
	if len(chain) > 1 && selfSigned(chain[0]) {
		return ErrReversed
	}
	for i, c := range chain[:len(chain)-1] {
		if err := c.CheckSignatureFrom(chain[i+1]); err != nil {
			return fmt.Errorf("%w: %s is not issued by %s: %w", ErrBroken, c.Subject, chain[i+1].Subject, err)
		}
	}
	if !selfSigned(last) {
		return fmt.Errorf("%w: %s", ErrRootMissing, last.Subject)
	}
	return nil
}

func selfSigned(c *x509.Certificate) bool {
	return bytes.Equal(c.RawSubject, c.RawIssuer) && c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
}

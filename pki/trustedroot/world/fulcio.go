package world

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"fmt"
	"math/big"
	"net/url"
	"time"
)

var (
	oidSCTs   = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}
	oidIssuer = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 8} // Fulcio's docs/oid-info.md
)

// leaf returns a code-signing certificate with an SCT over its own body, as
// RFC 6962 3.2 and 3.3 have it: the log signs the TBSCertificate without the
// SCT extension.
func (s *Services) leaf(sig Signature) ([]byte, error) {
	identity, err := url.Parse(sig.Identity)
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	issuer, err := asn1.MarshalWithParams(sig.Issuer, "utf8")
	if err != nil {
		return nil, fmt.Errorf("issuer: %w", err)
	}
	serial := new(big.Int).SetInt64(sig.At.UnixNano())
	issue := func(scts ...pkix.Extension) (*x509.Certificate, error) {
		template := &x509.Certificate{
			SerialNumber:    serial,
			NotBefore:       sig.At.Add(-time.Minute),
			NotAfter:        sig.At.Add(9 * time.Minute),
			KeyUsage:        x509.KeyUsageDigitalSignature,
			ExtKeyUsage:     []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
			URIs:            []*url.URL{identity},
			ExtraExtensions: []pkix.Extension{{Id: oidIssuer, Value: issuer}},
		}
		if sig.Change != nil {
			sig.Change(template)
		}
		template.ExtraExtensions = append(template.ExtraExtensions, scts...)
		der, err := x509.CreateCertificate(rand.Reader, template, s.Fulcio, sig.Key.Public(), s.FulcioKey)
		if err != nil {
			return nil, fmt.Errorf("issue the signer's certificate: %w", err)
		}
		return x509.ParseCertificate(der)
	}
	precert, err := issue()
	if err != nil {
		return nil, err
	}
	scts, err := s.sct(precert.RawTBSCertificate, sig.At)
	if err != nil {
		return nil, err
	}
	cert, err := issue(pkix.Extension{Id: oidSCTs, Value: scts})
	if err != nil {
		return nil, err
	}
	return cert.Raw, nil
}

// sct returns the value of the SCT list extension for a certificate body.
func (s *Services) sct(tbs []byte, at time.Time) ([]byte, error) {
	issuerHash := sha256.Sum256(s.Fulcio.RawSubjectPublicKeyInfo)
	when := binary.BigEndian.AppendUint64(nil, uint64(at.UnixMilli()))
	covered := append([]byte{0, 0}, when...)                                         // version 1, certificate_timestamp
	covered = append(covered, 0, 1)                                                  // precert_entry
	covered = append(covered, issuerHash[:]...)                                      // opaque issuer_key_hash[32]
	covered = append(covered, byte(len(tbs)>>16), byte(len(tbs)>>8), byte(len(tbs))) // opaque TBSCertificate<1..2^24-1>
	covered = append(covered, tbs...)
	covered = append(covered, 0, 0) // no extensions
	digest := sha256.Sum256(covered)
	signature, err := s.CTKey.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("sign the certificate timestamp: %w", err)
	}
	spki, err := x509.MarshalPKIXPublicKey(s.CTKey.Public())
	if err != nil {
		return nil, fmt.Errorf("encode the CT log's key: %w", err)
	}
	logID := sha256.Sum256(spki)
	sct := append([]byte{0}, logID[:]...)
	sct = append(sct, when...)
	sct = append(sct, 0, 0, 4, 3) // no extensions; sha256, ecdsa
	sct = append(binary.BigEndian.AppendUint16(sct, uint16(len(signature))), signature...)
	list := binary.BigEndian.AppendUint16(nil, uint16(len(sct)+2))
	list = append(binary.BigEndian.AppendUint16(list, uint16(len(sct))), sct...)
	return asn1.Marshal(list)
}

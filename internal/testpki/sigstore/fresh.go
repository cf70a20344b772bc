package sigstore

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/linnemanlabs/trustroot/pki/trustedroot/world"
)

var oidExtendedKeyUsage = asn1.ObjectIdentifier{2, 5, 29, 37}

// Fresh makes services under keys of their own and a root that signed their
// certificates, valid from an hour before at for a year.
func Fresh(origin string, at time.Time) (*world.Services, *x509.Certificate, error) {
	keys := make([]*ecdsa.PrivateKey, 5)
	for i, curve := range []elliptic.Curve{elliptic.P384(), elliptic.P384(), elliptic.P384(), elliptic.P256(), elliptic.P256()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			return nil, nil, err
		}
		keys[i] = key
	}
	timeStamping, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
	if err != nil {
		return nil, nil, err
	}
	root, errR := certificate("Root", at, keys[0], nil, keys[0], x509.Certificate{IsCA: true, KeyUsage: x509.KeyUsageCertSign})
	if errR != nil {
		return nil, nil, errR
	}
	fulcio, errF := certificate("Fulcio", at, keys[1], root, keys[0], x509.Certificate{
		IsCA: true, KeyUsage: x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
	})
	tsa, errT := certificate("TSA", at, keys[2], root, keys[0], x509.Certificate{
		KeyUsage:        x509.KeyUsageDigitalSignature,
		ExtraExtensions: []pkix.Extension{{Id: oidExtendedKeyUsage, Critical: true, Value: timeStamping}},
	})
	if err := errors.Join(errF, errT); err != nil {
		return nil, nil, err
	}
	return &world.Services{
		Fulcio: fulcio, FulcioKey: keys[1], TSA: tsa, TSAKey: keys[2], CTKey: keys[3], RekorKey: keys[4], RekorOrigin: origin,
	}, root, nil
}

func certificate(name string, at time.Time, key *ecdsa.PrivateKey, parent *x509.Certificate, by *ecdsa.PrivateKey, c x509.Certificate) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		return nil, err
	}
	c.SerialNumber = serial
	c.Subject = pkix.Name{Organization: []string{"example.com"}, CommonName: name}
	c.NotBefore, c.NotAfter = at.Add(-time.Hour), at.AddDate(1, 0, 0)
	c.BasicConstraintsValid = true
	if parent == nil {
		parent = &c
	}
	der, err := x509.CreateCertificate(rand.Reader, &c, parent, key.Public(), by)
	if err != nil {
		return nil, fmt.Errorf("certify %s: %w", name, err)
	}
	return x509.ParseCertificate(der)
}

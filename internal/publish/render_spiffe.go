package publish

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// readSPIFFE lists the roots that X.509 SVIDs chain to. A compromised one is
// left out, since a bundle has no window.
func (c *consumed) readSPIFFE(d *trustdir.Dir) error {
	for _, g := range d.State.Authorities[plan.RootAuthority] {
		if !g.Live() {
			continue
		}
		cert, err := g.Certificate.File.Certificate(d.FS())
		if err != nil {
			return err
		}
		key, err := jwkOf(cert)
		if err != nil {
			return err
		}
		c.SPIFFEKeys = append(c.SPIFFEKeys, key)
	}
	if len(c.SPIFFEKeys) == 0 {
		return errors.New("the ledger has no root certificate")
	}
	return nil
}

func jwkOf(cert *x509.Certificate) (spiffeKey, error) {
	pub, ok := cert.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return spiffeKey{}, fmt.Errorf("the root's key is not ECDSA but %T", cert.PublicKey)
	}
	point, err := pub.Bytes()
	if err != nil {
		return spiffeKey{}, err
	}
	half := (len(point) - 1) / 2
	encode := base64.RawURLEncoding.EncodeToString
	return spiffeKey{pub.Curve.Params().Name, encode(point[1 : 1+half]), encode(point[1+half:]), base64.StdEncoding.EncodeToString(cert.Raw)}, nil
}

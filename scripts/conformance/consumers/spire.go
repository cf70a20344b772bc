package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
)

// underSPIRE issues what SPIRE's server does below the rendered CA, its own CA
// and an SVID, and has go-spiffe judge them by the rendered bundle.
func underSPIRE(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, "spire.key"))
	if err != nil {
		return err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return errors.New("spire.key is not PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return err
	}
	key, ok := parsed.(crypto.Signer)
	if !ok {
		return fmt.Errorf("a key of type %T", parsed)
	}
	chain, err := certificates(filepath.Join(dir, "chain.pem"))
	if err != nil {
		return err
	}
	if len(chain[0].URIs) != 1 {
		return fmt.Errorf("the CA is of %d trust domains", len(chain[0].URIs))
	}
	domain := chain[0].URIs[0].Host
	svid := func(id string) ([]*x509.Certificate, error) {
		caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		ca, err := issue(&x509.Certificate{URIs: []*url.URL{{Scheme: "spiffe", Host: domain}}, IsCA: true, BasicConstraintsValid: true,
			KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}, chain[0], &caKey.PublicKey, key)
		if err != nil {
			return nil, err
		}
		u, err := url.Parse(id)
		if err != nil {
			return nil, err
		}
		leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		leaf, err := issue(&x509.Certificate{URIs: []*url.URL{u}, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}, ca, &leafKey.PublicKey, caKey)
		return append([]*x509.Certificate{leaf, ca}, chain...), err
	}
	good, err := svid("spiffe://" + domain + "/workload")
	if err != nil {
		return err
	}
	bundle := filepath.Join(dir, "bundle.pem")
	if err := verified(good, bundle, domain); err != nil {
		return err
	}
	// what must be refused, or nothing was judged
	if verified(good[:2], bundle, domain) == nil {
		return errors.New("it takes an SVID without the rendered chain")
	}
	other, err := svid("spiffe://other.example.net/workload")
	if err != nil {
		return err
	}
	if verified(other, bundle, domain) == nil {
		return errors.New("it takes an SVID of another trust domain")
	}
	return nil
}

// minted judges the SVID that SPIRE's server made, by the rendered bundle.
func minted(dir string) error {
	svid, err := certificates(filepath.Join(dir, "svid.pem"))
	if err != nil {
		return err
	}
	chain, err := certificates(filepath.Join(dir, "chain.pem"))
	if err != nil {
		return err
	}
	if len(svid) < 3 || !svid[len(svid)-1].Equal(chain[len(chain)-1]) {
		return fmt.Errorf("the SVID's chain of %d certificates does not end with the rendered one", len(svid))
	}
	return verified(svid, filepath.Join(dir, "bundle.pem"), chain[0].URIs[0].Host)
}

func verified(svid []*x509.Certificate, bundle, domain string) error {
	td, err := spiffeid.TrustDomainFromString(domain)
	if err != nil {
		return err
	}
	roots, err := x509bundle.Load(td, bundle)
	if err != nil {
		return err
	}
	id, _, err := x509svid.Verify(svid, roots)
	if err == nil && id.String() != "spiffe://"+domain+"/workload" {
		err = fmt.Errorf("it is of %s", id)
	}
	return err
}

func issue(c, parent *x509.Certificate, pub *ecdsa.PublicKey, key crypto.Signer) (*x509.Certificate, error) {
	c.SerialNumber, c.NotBefore, c.NotAfter = big.NewInt(time.Now().UnixNano()), time.Now().Add(-time.Minute), time.Now().Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, c, parent, pub, key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func certificates(path string) ([]*x509.Certificate, error) {
	rest, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var out []*x509.Certificate
	for block, rest := pem.Decode(rest); block != nil; block, rest = pem.Decode(rest) {
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		out = append(out, c)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s has no certificate", path)
	}
	return out, nil
}

package ceremony

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"math/big"

	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/yubikey"
)

type signIntent struct {
	Authority  string `json:"authority"`
	Generation int    `json:"generation"`
	Serial     string `json:"serial"` // hex
	TBS        []byte `json:"tbs"`    // DER, base64 in the journal
}

type signResult struct {
	Certificate string `json:"certificate"` // PEM
}

// signItem issues one certificate over pub, or takes it from the journal. Once
// an intent is in the journal, its bytes are the only ones that are signed.
func signItem(d *day, item request.Item, pub crypto.PublicKey) error {
	spec, chain := item.Spec, issuers(item.Authority, d.root)
	spec.PublicKey, spec.Issuer = pub, d.root
	intent, prepared, err := prepare(d, item, spec, chain)
	if err != nil {
		return err
	}
	result, err := once(d, stepSign+" "+item.Authority, intent, func(in signIntent, retried bool) (signResult, error) {
		if in.Serial != intent.Serial {
			if prepared, err = takeUp(d, in, spec, chain); err != nil {
				return signResult{}, err
			}
		}
		if retried {
			if err := ask(d, stepSign+" "+item.Authority, again(fmt.Sprintf("the certificate of %s, serial %s", in.Authority, in.Serial))); err != nil {
				return signResult{}, err
			}
		}
		cert, err := sign(d, prepared)
		if err != nil {
			return signResult{}, fmt.Errorf("sign the certificate of %s: %w", item.Authority, err)
		}
		text, err := pki.EncodeCertificate(cert)
		return signResult{string(text)}, err
	})
	if err != nil {
		return err
	}
	cert, err := pki.ParseCertificate([]byte(result.Certificate))
	if err != nil {
		return fmt.Errorf("read the certificate of %s from the journal: %w", item.Authority, err)
	}
	if item.Authority == plan.RootAuthority {
		d.root = cert
	}
	d.issued = append(d.issued, issued{item.Authority, item.Generation, cert})
	d.Operator.Notice(term.Sprintf("Signed %s: %s, serial %x.", item.Authority, cert.Subject, cert.SerialNumber))
	return nil
}

// prepare lints a certificate under a new serial number.
func prepare(d *day, item request.Item, spec pki.Spec, chain []*x509.Certificate) (signIntent, *pki.Prepared, error) {
	serial, err := serial(d)
	if err != nil {
		return signIntent{}, nil, err
	}
	spec.Serial = serial
	prepared, err := pki.Prepare(spec, chain, d.Linter)
	if err != nil {
		return signIntent{}, nil, fmt.Errorf("prepare the certificate of %s: %w", item.Authority, err)
	}
	return signIntent{item.Authority, item.Generation, ledger.SerialHex(serial), prepared.TBS()}, prepared, nil
}

// takeUp prepares the very bytes that an earlier run journaled.
func takeUp(d *day, in signIntent, spec pki.Spec, chain []*x509.Certificate) (*pki.Prepared, error) {
	serial, ok := new(big.Int).SetString(in.Serial, 16)
	if !ok {
		return nil, fmt.Errorf("take up the certificate of %s again: %q is not a serial number", in.Authority, in.Serial)
	}
	spec.Serial = serial
	prepared, err := pki.Reprepare(in.TBS, spec, chain, d.Linter)
	if err != nil {
		return nil, fmt.Errorf("take up the certificate of %s again: %w", in.Authority, err)
	}
	return prepared, nil
}

func sign(d *day, prepared *pki.Prepared) (*x509.Certificate, error) {
	signer, err := d.device.Signer(rootSlot(d), d.pub)
	if err != nil {
		return nil, err
	}
	return prepared.Issue(signer)
}

func rootSlot(d *day) yubikey.Slot {
	return yubikey.Slot(d.Request.Plan.Authorities[plan.RootAuthority].Token.Slot)
}

// serial returns a serial number that the ledger does not know.
func serial(d *day) (*big.Int, error) {
	n, err := pki.NewSerial(rand.Reader)
	if err != nil {
		return nil, err
	}
	return n, d.Request.Ledger.CheckSerial(n)
}

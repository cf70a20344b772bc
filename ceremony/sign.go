package ceremony

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
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

// signAll signs every item of the request but the root itself.
func (d *day) signAll(_ context.Context) error {
	for _, item := range d.Request.Items {
		if item.Authority == plan.RootAuthority {
			continue
		}
		if err := d.signItem(item, item.CSR.PublicKey); err != nil {
			return err
		}
	}
	return nil
}

// signItem issues one certificate over pub, or takes it from the journal.
func (d *day) signItem(item request.Item, pub crypto.PublicKey) error {
	spec := item.Spec
	spec.PublicKey = pub
	spec.Issuer = d.root
	var err error
	if spec.Serial, err = d.serial(); err != nil {
		return err
	}
	chain := d.chain(item)
	prepared, err := pki.Prepare(spec, chain, d.Linter)
	if err != nil {
		return fmt.Errorf("prepare the certificate of %s: %w", item.Authority, err)
	}
	intent := signIntent{item.Authority, item.Generation, ledger.SerialHex(spec.Serial), prepared.TBS()}
	result, err := once(d, stepSign+" "+item.Authority, intent, func(in signIntent, retried bool) (signResult, error) {
		if retried {
			spec.Serial = parseSerial(in.Serial)
			if prepared, err = pki.Reprepare(in.TBS, spec, chain, d.Linter); err != nil {
				return signResult{}, fmt.Errorf("take up the certificate of %s again: %w", item.Authority, err)
			}
			if err := d.askAgain(item, in); err != nil {
				return signResult{}, err
			}
		}
		cert, err := d.sign(prepared, pub)
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
	d.Operator.Notice(fmt.Sprintf("Signed %s: %s, serial %x.", item.Authority, cert.Subject, cert.SerialNumber))
	return nil
}

// askAgain is the question before the same bytes are signed a second time.
func (d *day) askAgain(item request.Item, in signIntent) error {
	return d.ask(stepSign+" "+item.Authority, term.Question{
		Text: fmt.Sprintf("An earlier run may have signed the certificate of %s, and its answer was lost. The same bytes, serial %s, can be signed again; both attempts stay in the journal.", in.Authority, in.Serial),
		Yes:  "the same bytes are signed again and one certificate leaves",
		No:   "nothing is signed; run the same command to go on later",
		Type: "again",
	})
}

func (d *day) sign(prepared *pki.Prepared, pub crypto.PublicKey) (*x509.Certificate, error) {
	if d.root != nil {
		pub = d.root.PublicKey
	}
	signer, err := d.device.Signer(d.rootSlot(), pub)
	if err != nil {
		return nil, err
	}
	return prepared.Issue(signer)
}

func (d *day) rootSlot() yubikey.Slot {
	return yubikey.Slot(d.Request.Plan.Authorities[plan.RootAuthority].Token.Slot)
}

// chain is the issuers of an item, the nearest first.
func (d *day) chain(item request.Item) []*x509.Certificate {
	if item.Authority == plan.RootAuthority {
		return nil
	}
	return []*x509.Certificate{d.root}
}

// serial returns a serial number that the ledger does not know.
func (d *day) serial() (*big.Int, error) {
	n, err := pki.NewSerial(rand.Reader)
	if err != nil {
		return nil, err
	}
	return n, d.Request.Ledger.CheckSerial(n)
}

func parseSerial(text string) *big.Int {
	n, _ := new(big.Int).SetString(text, 16)
	return n
}

// install puts the new root certificate beside its key.
func (d *day) install(_ context.Context) error {
	if d.Request.Root != nil {
		return nil
	}
	_, err := once(d, stepInstall, map[string]string{"slot": string(d.rootSlot())}, func(map[string]string, bool) (map[string]string, error) {
		if d.root == nil {
			return nil, errors.New("there is no root certificate to install")
		}
		return map[string]string{}, d.device.Install(d.rootSlot(), d.root)
	})
	return err
}

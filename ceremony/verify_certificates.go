package ceremony

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/linnemanlabs/trustroot/ceremony/record"
	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// certificates holds every certificate against plan, request and journal, and
// that there are no others.
func (v *verifier) certificates() (string, error) {
	known := map[string]bool{}
	var names []string
	for _, item := range v.Request.Items {
		leaf, chain := record.CertificateFile(item.Authority, item.Generation), record.ChainFile(item.Authority, item.Generation)
		known[leaf], known[chain] = true, true
		if err := v.certificate(item, leaf, chain); err != nil {
			return "", err
		}
		names = append(names, fmt.Sprintf("%s g%d", item.Authority, item.Generation))
	}
	for _, name := range courier.Names(v.Record.Files) {
		if strings.HasPrefix(name, "certificates/") && !known[name] {
			return "", inFile(name, errors.New("the request names no such certificate"))
		}
	}
	if len(names) == 0 {
		return "the request, which asks for none", nil
	}
	return strings.Join(names, ", ") + ": their to-be-signed bytes, made from the plan again, and the root's signature", nil
}

func (v *verifier) certificate(item request.Item, leafName, chainName string) error {
	leaf, chain := v.Record.Files[leafName], v.Record.Files[chainName]
	cert, err := pki.ParseCertificate(leaf)
	if err != nil {
		return inFile(leafName, err)
	}
	spec := item.Spec
	spec.Serial, spec.Issuer = cert.SerialNumber, v.root
	above := issuers(item.Authority, v.root)
	if item.Authority == plan.RootAuthority {
		spec.PublicKey, v.root = cert.PublicKey, cert
	} else {
		spec.PublicKey = item.CSR.PublicKey
	}
	// the same bytes come out of the plan again, linted again
	if _, err := pki.Reprepare(cert.RawTBSCertificate, spec, above, v.Linter); err != nil {
		return inFile(leafName, err)
	}
	if err := cert.CheckSignatureFrom(v.root); err != nil {
		return inFile(leafName, err)
	}
	if v.results[item.Authority].Certificate != string(leaf) {
		return inFile(leafName, errors.New("the journal has another one"))
	}
	want, err := pki.EncodeCertificates(append([]*x509.Certificate{cert}, above...))
	if err != nil {
		return err
	}
	if !bytes.Equal(want, chain) {
		return inFile(chainName, errors.New("it is not the certificate and its issuers, leaf-first"))
	}
	v.Issued = append(v.Issued, Issued{item.Authority, item.Generation, cert, chain, leaf})
	return nil
}

package pki

import (
	"crypto/x509"
	"fmt"
)

// verifyShadow verifies a draft as a verifier will verify the certificate,
// before any real key signs: the issuers are copied, extension for extension,
// under the draft's throwaway key. What an issuer's name constraints, path
// length or purposes forbid is found here.
func (d *draft) verifyShadow(profile string, chain []*x509.Certificate) error {
	copies := make([]*x509.Certificate, len(chain))
	parent := (*x509.Certificate)(nil)
	for i := len(chain) - 1; i >= 0; i-- {
		shadow, err := d.shadow(chain[i], parent)
		if err != nil {
			return err
		}
		copies[i], parent = shadow, shadow
	}
	certificate := d.certificate
	if len(chain) == 0 {
		// a root's own key has not signed yet: stand in for it as well
		shadow, err := d.shadow(certificate, nil)
		if err != nil {
			return err
		}
		certificate = shadow
	}
	return verifyChain(certificate, copies, profile)
}

// shadow copies a certificate under the throwaway key; parent nil means
// self-signed.
func (d *draft) shadow(certificate, parent *x509.Certificate) (*x509.Certificate, error) {
	template := &x509.Certificate{
		RawSubject: certificate.RawSubject, SerialNumber: certificate.SerialNumber,
		NotBefore: certificate.NotBefore, NotAfter: certificate.NotAfter,
		ExtraExtensions: certificate.Extensions,
	}
	if parent == nil {
		parent = template
	}
	shadow, err := certify(template, parent, d.throwaway.Public(), d.throwaway)
	if err != nil {
		return nil, fmt.Errorf("copy %s under a throwaway key: %w", certificate.Subject, err)
	}
	return shadow, nil
}

// verifyChain verifies a certificate under its issuers, leaf-first to the
// root, at its own first instant and for the purpose of its profile. Without
// issuers it stands for itself.
func verifyChain(certificate *x509.Certificate, issuers []*x509.Certificate, profile string) error {
	root := certificate
	if len(issuers) > 0 {
		root = issuers[len(issuers)-1]
	}
	options := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(),
		CurrentTime: certificate.NotBefore,
		KeyUsages:   []x509.ExtKeyUsage{profileRules[profile].verify},
	}
	options.Roots.AddCert(root)
	for _, issuer := range issuers {
		options.Intermediates.AddCert(issuer)
	}
	if _, err := certificate.Verify(options); err != nil {
		return fmt.Errorf("verify chain of %s: %w", certificate.Subject, err)
	}
	return nil
}

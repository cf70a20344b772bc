package pki

import (
	"crypto"
	"crypto/x509"
	"math/big"
	"time"
)

// Settings are what a plan may set over the defaults of a profile. A nil
// pointer or slice leaves the default.
type Settings struct {
	PathLen             *int             `yaml:"path_len,omitempty" json:"path_len,omitempty"`
	ExtKeyUsageCritical *bool            `yaml:"ext_key_usage_critical,omitempty" json:"ext_key_usage_critical,omitempty"`
	NameConstraints     *NameConstraints `yaml:"name_constraints,omitempty" json:"name_constraints,omitempty"`
	Policies            []Policy         `yaml:"policies,omitempty" json:"policies,omitempty"`
	URIs                []string         `yaml:"uris,omitempty" json:"uris,omitempty"`
	IssuingCertificates []string         `yaml:"issuing_certificates,omitempty" json:"issuing_certificates,omitempty"`
	CRLDistribution     []string         `yaml:"crl_distribution,omitempty" json:"crl_distribution,omitempty"`
	// Template is a JSON template over the same data as the profile's own
	// (templates/profiles). Its fields replace the profile's, its extensions
	// add to them or replace those of the same OID. It cannot name the key,
	// the subject, the issuer, the serial or the dates, and every check and
	// lint applies to what comes out.
	Template string `yaml:"template,omitempty" json:"template,omitempty"`
}

// Spec is everything that decides the bytes of one certificate.
type Spec struct {
	Profile   string // root, fulcio-ca, tsa, tsa-ca, tsa-leaf, spiffe-ca
	Subject   Subject
	Settings  Settings
	PublicKey crypto.PublicKey  // *ecdsa.PublicKey on P-256 or P-384
	Issuer    *x509.Certificate // nil: self-signed
	Serial    *big.Int
	NotBefore time.Time
	NotAfter  time.Time // inclusive
}

// Linter judges a certificate that was signed by a throwaway key. chain is
// leaf-first and ends with the root; it holds only the issuers. An error names
// every finding.
type Linter interface {
	Lint(cert *x509.Certificate, chain []*x509.Certificate) error
}

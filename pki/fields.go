package pki

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// fields are what a template may write of a certificate, under the names and
// in the forms of smallstep's x509util. Where a list is wanted, one string may
// stand in its place.
type fields struct {
	BasicConstraints *struct {
		IsCA       bool `json:"isCA"`
		MaxPathLen int  `json:"maxPathLen"` // below 0 for none
	} `json:"basicConstraints"`
	KeyUsage              texts          `json:"keyUsage"`
	ExtKeyUsage           texts          `json:"extKeyUsage"`
	UnknownExtKeyUsage    texts          `json:"unknownExtKeyUsage"` // OIDs
	SubjectKeyID          []byte         `json:"subjectKeyId"`
	DNSNames              texts          `json:"dnsNames"`
	EmailAddresses        texts          `json:"emailAddresses"`
	IPAddresses           texts          `json:"ipAddresses"`
	URIs                  texts          `json:"uris"`
	SANs                  []name         `json:"sans"`
	NameConstraints       *nameLimits    `json:"nameConstraints"`
	PolicyIdentifiers     texts          `json:"policyIdentifiers"` // OIDs
	IssuingCertificateURL texts          `json:"issuingCertificateURL"`
	OCSPServer            texts          `json:"ocspServer"`
	CRLDistributionPoints texts          `json:"crlDistributionPoints"`
	Extensions            []rawExtension `json:"extensions"`
}

type name struct {
	Type  string `json:"type"` // dns, email, ip or uri; auto or empty to tell by the value
	Value string `json:"value"`
}

type nameLimits struct {
	Critical       bool  `json:"critical"`
	PermittedDNS   texts `json:"permittedDNSDomains"`
	ExcludedDNS    texts `json:"excludedDNSDomains"`
	PermittedIP    texts `json:"permittedIPRanges"` // CIDR
	ExcludedIP     texts `json:"excludedIPRanges"`
	PermittedEmail texts `json:"permittedEmailAddresses"`
	ExcludedEmail  texts `json:"excludedEmailAddresses"`
	PermittedURI   texts `json:"permittedURIDomains"`
	ExcludedURI    texts `json:"excludedURIDomains"`
}

// rawExtension is an extension in DER.
type rawExtension struct {
	ID       string `json:"id"`
	Critical bool   `json:"critical"`
	Value    []byte `json:"value"`
}

// texts are strings; one alone may stand without its list.
type texts []string

// UnmarshalJSON implements json.Unmarshaler.
func (t *texts) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		*t = make(texts, 1)
		return json.Unmarshal(data, &(*t)[0])
	}
	return json.Unmarshal(data, (*[]string)(t))
}

var keyUsages = map[string]x509.KeyUsage{
	"digitalsignature": x509.KeyUsageDigitalSignature, "contentcommitment": x509.KeyUsageContentCommitment,
	"nonrepudiation": x509.KeyUsageContentCommitment, "keyencipherment": x509.KeyUsageKeyEncipherment,
	"dataencipherment": x509.KeyUsageDataEncipherment, "keyagreement": x509.KeyUsageKeyAgreement,
	"certsign": x509.KeyUsageCertSign, "crlsign": x509.KeyUsageCRLSign,
	"encipheronly": x509.KeyUsageEncipherOnly, "decipheronly": x509.KeyUsageDecipherOnly,
}

var extKeyUsages = map[string]x509.ExtKeyUsage{
	"any": x509.ExtKeyUsageAny, "serverauth": x509.ExtKeyUsageServerAuth, "clientauth": x509.ExtKeyUsageClientAuth,
	"codesigning": x509.ExtKeyUsageCodeSigning, "emailprotection": x509.ExtKeyUsageEmailProtection,
	"ipsecendsystem": x509.ExtKeyUsageIPSECEndSystem, "ipsectunnel": x509.ExtKeyUsageIPSECTunnel, "ipsecuser": x509.ExtKeyUsageIPSECUser,
	"timestamping": x509.ExtKeyUsageTimeStamping, "ocspsigning": x509.ExtKeyUsageOCSPSigning,
	"microsoftservergatedcrypto": x509.ExtKeyUsageMicrosoftServerGatedCrypto, "netscapeservergatedcrypto": x509.ExtKeyUsageNetscapeServerGatedCrypto,
	"microsoftcommercialcodesigning": x509.ExtKeyUsageMicrosoftCommercialCodeSigning, "microsoftkernelcodesigning": x509.ExtKeyUsageMicrosoftKernelCodeSigning,
}

// certificate returns the extensions that the fields ask for.
func (f *fields) certificate() (*x509.Certificate, error) {
	c := &x509.Certificate{
		SubjectKeyId: f.SubjectKeyID, IssuingCertificateURL: f.IssuingCertificateURL,
		OCSPServer: f.OCSPServer, CRLDistributionPoints: f.CRLDistributionPoints,
	}
	if b := f.BasicConstraints; b != nil {
		c.BasicConstraintsValid, c.IsCA = true, b.IsCA
		if b.IsCA {
			c.MaxPathLen, c.MaxPathLenZero = max(b.MaxPathLen, -1), b.MaxPathLen == 0
		}
	}
	usages, err := each(f.KeyUsage, named("keyUsage", keyUsages))
	if err != nil {
		return nil, err
	}
	for _, usage := range usages {
		c.KeyUsage |= usage
	}
	if c.ExtKeyUsage, err = each(f.ExtKeyUsage, named("extKeyUsage", extKeyUsages)); err != nil {
		return nil, err
	}
	if c.UnknownExtKeyUsage, err = each(f.UnknownExtKeyUsage, arcs); err != nil {
		return nil, err
	}
	if c.Policies, err = each(f.PolicyIdentifiers, x509.ParseOID); err != nil {
		return nil, fmt.Errorf("policyIdentifiers: %w", err)
	}
	if err := f.NameConstraints.set(c); err != nil {
		return nil, err
	}
	for _, e := range f.Extensions {
		id, err := arcs(e.ID)
		if err != nil {
			return nil, err
		}
		c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: id, Critical: e.Critical, Value: e.Value})
	}
	if slices.ContainsFunc(c.ExtraExtensions, func(e pkix.Extension) bool { return e.Id.Equal(extensionNames["subjectAltName"]) }) {
		return c, nil // it says the names
	}
	return c, f.setNames(c)
}

func (f *fields) setNames(c *x509.Certificate) (err error) {
	c.DNSNames, c.EmailAddresses = f.DNSNames, f.EmailAddresses
	if c.IPAddresses, err = each(f.IPAddresses, address); err != nil {
		return err
	}
	if c.URIs, err = each(f.URIs, url.Parse); err != nil {
		return err
	}
	for _, n := range f.SANs {
		if err := n.add(c); err != nil {
			return fmt.Errorf("sans: %w", err)
		}
	}
	return nil
}

func (n name) add(c *x509.Certificate) error {
	if n.Value == "" {
		return nil
	}
	ip, noIP := address(n.Value)
	uri, noURI := url.Parse(n.Value)
	kind := strings.ToLower(n.Type)
	if kind == "" || kind == "auto" {
		switch {
		case noIP == nil:
			kind = "ip"
		case noURI == nil && uri.Scheme != "":
			kind = "uri"
		case strings.Contains(n.Value, "@"):
			kind = "email"
		default:
			kind = "dns"
		}
	}
	switch kind {
	case "ip":
		c.IPAddresses = append(c.IPAddresses, ip)
		return noIP
	case "uri":
		c.URIs = append(c.URIs, uri)
		return noURI
	case "email":
		c.EmailAddresses = append(c.EmailAddresses, n.Value)
	case "dns":
		c.DNSNames = append(c.DNSNames, n.Value)
	default:
		return fmt.Errorf("type %q is not dns, email, ip, uri or auto: write other names under extensions, as 2.5.29.17", n.Type)
	}
	return nil
}

func (n *nameLimits) set(c *x509.Certificate) (err error) {
	if n == nil {
		return nil
	}
	c.PermittedDNSDomainsCritical = n.Critical
	c.PermittedDNSDomains, c.ExcludedDNSDomains = n.PermittedDNS, n.ExcludedDNS
	c.PermittedEmailAddresses, c.ExcludedEmailAddresses = n.PermittedEmail, n.ExcludedEmail
	c.PermittedURIDomains, c.ExcludedURIDomains = n.PermittedURI, n.ExcludedURI
	if c.PermittedIPRanges, err = each(n.PermittedIP, network); err != nil {
		return err
	}
	c.ExcludedIPRanges, err = each(n.ExcludedIP, network)
	return err
}

// each reads one value after the other; none of them gives nil.
func each[T any](list []string, read func(string) (T, error)) ([]T, error) {
	var out []T
	for _, text := range list {
		v, err := read(text)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// named looks a usage up; case and underscores do not count.
func named[T any](field string, known map[string]T) func(string) (T, error) {
	return func(text string) (T, error) {
		v, ok := known[strings.ReplaceAll(strings.ToLower(text), "_", "")]
		if !ok {
			return v, fmt.Errorf("%s: unknown usage %q", field, text)
		}
		return v, nil
	}
}

// arcs reads an object identifier, like 2.5.29.37.
func arcs(text string) (asn1.ObjectIdentifier, error) {
	return each(strings.Split(text, "."), func(part string) (int, error) {
		n, err := strconv.Atoi(part)
		if err != nil || n < 0 || strconv.Itoa(n) != part { // one spelling, so that overlay finds it
			return 0, fmt.Errorf("%q is not an object identifier: write numbers and points", text)
		}
		return n, nil
	})
}

func address(text string) (net.IP, error) {
	ip := net.ParseIP(text)
	if ip == nil {
		return nil, fmt.Errorf("%q is not an IP address", text)
	}
	return ip, nil
}

func network(text string) (*net.IPNet, error) {
	_, n, err := net.ParseCIDR(text)
	return n, err
}

package pki

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// extensionNames are the names of extensions in the "order" of a template.
var extensionNames = map[string]asn1.ObjectIdentifier{
	"subjectKeyId":          {2, 5, 29, 14},
	"keyUsage":              {2, 5, 29, 15},
	"subjectAltName":        {2, 5, 29, 17},
	"basicConstraints":      {2, 5, 29, 19},
	"nameConstraints":       {2, 5, 29, 30},
	"crlDistributionPoints": {2, 5, 29, 31},
	"certificatePolicies":   {2, 5, 29, 32},
	"authorityKeyId":        {2, 5, 29, 35},
	"extKeyUsage":           {2, 5, 29, 37},
	"authorityInfoAccess":   {1, 3, 6, 1, 5, 5, 7, 1, 1},
}

// extension returns the extension of that name, nil if the certificate has
// none.
func extension(certificate *x509.Certificate, name string) *pkix.Extension {
	i := slices.IndexFunc(certificate.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(extensionNames[name]) })
	if i < 0 {
		return nil
	}
	return &certificate.Extensions[i]
}

// ordered sorts extensions as names say; those not named follow, in the order
// they have.
func ordered(extensions []pkix.Extension, names []string) []pkix.Extension {
	rank := func(e pkix.Extension) int {
		i := slices.IndexFunc(names, func(name string) bool { return extensionNames[name].Equal(e.Id) })
		if i < 0 {
			return len(names)
		}
		return i
	}
	sorted := slices.Clone(extensions)
	slices.SortStableFunc(sorted, func(a, b pkix.Extension) int { return rank(a) - rank(b) })
	return sorted
}

// policyInformation is RFC 5280 4.2.1.4, with the CPS qualifier only.
type policyInformation struct {
	Policy     asn1.RawValue
	Qualifiers []policyQualifier `asn1:"optional,omitempty"`
}

type policyQualifier struct {
	ID  asn1.ObjectIdentifier
	CPS string `asn1:"ia5"`
}

var oidCPS = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 2, 1}

// marshalPolicies encodes the value of certificatePolicies.
func marshalPolicies(policies []Policy) ([]byte, error) {
	var list []policyInformation
	for _, policy := range policies {
		oid, err := parseOID(policy.OID)
		if err != nil {
			return nil, err
		}
		information := policyInformation{Policy: oid}
		if policy.CPS != "" {
			information.Qualifiers = []policyQualifier{{oidCPS, policy.CPS}}
		}
		list = append(list, information)
	}
	der, err := asn1.Marshal(list)
	if err != nil {
		return nil, fmt.Errorf("encode certificate policies: %w", err)
	}
	return der, nil
}

// parsePolicies reads what marshalPolicies wrote; qualifiers of other types
// are left out.
func parsePolicies(der []byte) ([]Policy, error) {
	var list []struct {
		Policy     asn1.RawValue
		Qualifiers []struct {
			ID        asn1.ObjectIdentifier
			Qualifier asn1.RawValue
		} `asn1:"optional"`
	}
	rest, err := asn1.Unmarshal(der, &list)
	if err != nil {
		return nil, fmt.Errorf("parse certificate policies: %w", err)
	}
	if len(rest) != 0 {
		return nil, fmt.Errorf("parse certificate policies: %d bytes follow", len(rest))
	}
	policies := make([]Policy, len(list))
	for i, information := range list {
		var oid x509.OID
		if err := oid.UnmarshalBinary(information.Policy.Bytes); err != nil || information.Policy.Tag != asn1.TagOID {
			return nil, fmt.Errorf("parse certificate policies: entry %d is not an object identifier", i)
		}
		policies[i].OID = oid.String()
		for _, q := range information.Qualifiers {
			if q.ID.Equal(oidCPS) && q.Qualifier.Tag == asn1.TagIA5String {
				policies[i].CPS = string(q.Qualifier.Bytes)
			}
		}
	}
	return policies, nil
}

// parseOID reads an object identifier of any length: one made of a UUID
// (X.667) has an arc of 128 bits.
func parseOID(s string) (asn1.RawValue, error) {
	oid, err := x509.ParseOID(s)
	if err != nil {
		return asn1.RawValue{}, fmt.Errorf("%q is not an object identifier", s)
	}
	for arc := range strings.SplitSeq(s, ".") {
		if n, ok := new(big.Int).SetString(arc, 10); !ok || n.BitLen() > 128 {
			return asn1.RawValue{}, fmt.Errorf("object identifier %q has an arc of more than the 128 bits of a UUID", s)
		}
	}
	der, err := oid.MarshalBinary()
	if err != nil {
		return asn1.RawValue{}, fmt.Errorf("object identifier %q: %w", s, err)
	}
	return asn1.RawValue{Tag: asn1.TagOID, Bytes: der}, nil
}

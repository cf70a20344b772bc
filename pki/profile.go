package pki

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Subject is the distinguished name of a certificate, in the order in which
// its attributes are encoded: organization, then common name.
type Subject struct {
	Organization string `yaml:"organization" json:"organization"`
	CommonName   string `yaml:"common_name" json:"common_name"`
	// Encoding pins the ASN.1 string type of every attribute: "utf8"
	// (UTF8String) or "printable" (PrintableString). Empty means utf8.
	Encoding string `yaml:"encoding,omitempty" json:"encoding,omitempty" jsonschema:"enum=utf8,enum=printable"`
	// Raw is the whole name in DER and base64, kept byte for byte, where it has
	// other attributes, another order or other string types: C= and OU= of a
	// hierarchy made by hand. Organization and common name are those in it.
	Raw string `yaml:"raw,omitempty" json:"raw,omitempty"`
}

// Policy is one entry of certificatePolicies (RFC 5280 4.2.1.4).
type Policy struct {
	OID string `yaml:"oid" json:"oid"`
	CPS string `yaml:"cps,omitempty" json:"cps,omitempty"`
}

// Subtrees are the names of one side of name constraints (RFC 5280 4.2.1.10).
type Subtrees struct {
	DNS   []string `yaml:"dns,omitempty" json:"dns,omitempty"`
	URI   []string `yaml:"uri,omitempty" json:"uri,omitempty"`
	Email []string `yaml:"email,omitempty" json:"email,omitempty"`
	IP    []string `yaml:"ip,omitempty" json:"ip,omitempty"` // CIDR
}

// NameConstraints limit the names under a CA (RFC 5280 4.2.1.10). They are
// always critical.
type NameConstraints struct {
	Permitted Subtrees `yaml:"permitted,omitempty" json:"permitted,omitzero"`
	Excluded  Subtrees `yaml:"excluded,omitempty" json:"excluded,omitzero"`
}

// Validity is a duration in calendar years ("10y") or in days of 24 hours
// ("3650d").
type Validity struct {
	Years int
	Days  int
}

// ParseValidity reads "10y" or "3650d".
func ParseValidity(s string) (Validity, error) {
	unit := strings.TrimLeft(s, "0123456789")
	n, err := strconv.Atoi(strings.TrimSuffix(s, unit))
	if err != nil || n <= 0 || (unit != "y" && unit != "d") {
		return Validity{}, fmt.Errorf("validity %q: write calendar years like 10y or days like 3650d", s)
	}
	if unit == "y" {
		return Validity{Years: n}, nil
	}
	return Validity{Days: n}, nil
}

// NotAfter returns the last instant of a validity that begins at notBefore.
// notAfter is inclusive (RFC 5280 4.1.2.5): years end one second before the
// anniversary, and days one second before the same time of day, so that 1095d
// from 00:00:00 ends at 23:59:59. openssl's -days gives one second more.
func (v Validity) NotAfter(notBefore time.Time) time.Time {
	if v.Years > 0 {
		return notBefore.AddDate(v.Years, 0, 0).Add(-time.Second)
	}
	return notBefore.Add(time.Duration(v.Days)*24*time.Hour - time.Second)
}

// String writes the form that ParseValidity reads.
func (v Validity) String() string {
	if v.Years > 0 {
		return strconv.Itoa(v.Years) + "y"
	}
	return strconv.Itoa(v.Days) + "d"
}

// MarshalText implements encoding.TextMarshaler.
func (v Validity) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (v *Validity) UnmarshalText(b []byte) error {
	parsed, err := ParseValidity(string(b))
	if err != nil {
		return err
	}
	*v = parsed
	return nil
}

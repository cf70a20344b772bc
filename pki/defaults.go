package pki

import (
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"
	"strings"
)

// Names of profiles. Each has a template of its name in templates/profiles.
const (
	ProfileRoot     = "root"      // signs all others
	ProfileFulcioCA = "fulcio-ca" // issues Fulcio's code-signing certificates
	ProfileTSA      = "tsa"       // a time-stamping authority right under the root
	ProfileTSACA    = "tsa-ca"    // issues tsa-leaf
	ProfileTSALeaf  = "tsa-leaf"  // a time-stamping authority under a tsa-ca
	ProfileSPIFFECA = "spiffe-ca" // SPIRE's upstream authority
	// ProfileOther is whatever else signs under the root: its certificate is its
	// profile. It is read and never issued, so it is none of Profiles.
	ProfileOther = "other"
)

// Profiles lists the names of all profiles.
func Profiles() []string {
	return []string{ProfileRoot, ProfileFulcioCA, ProfileTSA, ProfileTSACA, ProfileTSALeaf, ProfileSPIFFECA}
}

// rules are what a profile is whatever its template says: the template writes
// the bytes, these judge them.
type rules struct {
	ca       bool
	keyUsage x509.KeyUsage         // exactly these bits; certificates of CAs may add cRLSign
	purpose  asn1.ObjectIdentifier // the one extended key usage; nil for none
	critical bool                  // the extended key usage must be critical
	pathLen  int                   // default; -1 for none
	verify   x509.ExtKeyUsage      // what a verifier asks the chain for
	settings []string              // fields of Settings that have an effect
}

var (
	oidCodeSigning  = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 3}
	oidTimeStamping = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 8}
)

var profileRules = map[string]rules{
	ProfileRoot: {ca: true, keyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, pathLen: -1, verify: x509.ExtKeyUsageAny,
		settings: []string{"path_len", "name_constraints", "uris", "crl_distribution"}},
	ProfileFulcioCA: {ca: true, keyUsage: x509.KeyUsageCertSign, purpose: oidCodeSigning, pathLen: 0, verify: x509.ExtKeyUsageCodeSigning,
		settings: []string{"path_len", "ext_key_usage_critical", "name_constraints", "uris", "issuing_certificates", "crl_distribution"}},
	ProfileTSA: {keyUsage: x509.KeyUsageDigitalSignature, purpose: oidTimeStamping, critical: true, pathLen: -1, verify: x509.ExtKeyUsageTimeStamping,
		settings: []string{"ext_key_usage_critical", "uris", "issuing_certificates", "crl_distribution"}},
	ProfileTSACA: {ca: true, keyUsage: x509.KeyUsageCertSign, purpose: oidTimeStamping, pathLen: 0, verify: x509.ExtKeyUsageTimeStamping,
		settings: []string{"path_len", "ext_key_usage_critical", "name_constraints", "uris", "issuing_certificates", "crl_distribution"}},
	ProfileTSALeaf: {keyUsage: x509.KeyUsageDigitalSignature, purpose: oidTimeStamping, critical: true, pathLen: -1, verify: x509.ExtKeyUsageTimeStamping,
		settings: []string{"ext_key_usage_critical", "uris", "issuing_certificates", "crl_distribution"}},
	// SPIRE mints an intermediate of its own under this one
	ProfileSPIFFECA: {ca: true, keyUsage: x509.KeyUsageCertSign, pathLen: 1, verify: x509.ExtKeyUsageAny,
		settings: []string{"path_len", "name_constraints", "uris", "issuing_certificates", "crl_distribution"}},
}

// Defaults returns what a profile sets where the plan is silent: values that
// every client accepts. A nil PathLen is not a path length.
func Defaults(profile string) (Settings, error) {
	r, ok := profileRules[profile]
	if !ok {
		return Settings{}, fmt.Errorf("profile %q is not known: write one of %s", profile, strings.Join(Profiles(), ", "))
	}
	var s Settings
	if r.pathLen >= 0 {
		s.PathLen = &r.pathLen
	}
	if r.purpose != nil {
		s.ExtKeyUsageCritical = &r.critical
	}
	return s, nil
}

// IsCA reports whether certificates of a profile are those of authorities
// that issue. An unknown profile is none.
func IsCA(profile string) bool { return profileRules[profile].ca }

// over lays the settings of a plan over the defaults of a profile, and names
// every setting that the profile's template would ignore.
func (s Settings) over(profile string, p *problems) (Settings, error) {
	d, err := Defaults(profile)
	if err != nil {
		return Settings{}, err
	}
	effective := profileRules[profile].settings
	given := func(field string, set bool) bool {
		if set && !slices.Contains(effective, field) {
			p.add(field, "has no effect on a %s certificate: remove it", profile)
		}
		return set
	}
	if given("path_len", s.PathLen != nil) {
		d.PathLen = s.PathLen
	}
	if given("ext_key_usage_critical", s.ExtKeyUsageCritical != nil) {
		d.ExtKeyUsageCritical = s.ExtKeyUsageCritical
	}
	given("name_constraints", s.NameConstraints != nil)
	given("uris", len(s.URIs) > 0)
	given("issuing_certificates", len(s.IssuingCertificates) > 0)
	given("crl_distribution", len(s.CRLDistribution) > 0)
	d.NameConstraints, d.Policies, d.URIs = s.NameConstraints, s.Policies, s.URIs
	d.IssuingCertificates, d.CRLDistribution, d.Template = s.IssuingCertificates, s.CRLDistribution, s.Template
	return d, nil
}

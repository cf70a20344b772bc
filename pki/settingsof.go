package pki

import (
	"crypto/x509"
	"fmt"
	"slices"
	"time"
)

// SettingsOf returns what a plan sets over the defaults of a profile so that
// its certificates have the extensions of this one. What no setting expresses
// (another key usage, another order, a qualifier of another type) is not told:
// prepare the certificate again and compare.
func SettingsOf(certificate *x509.Certificate, profile string) (Settings, error) {
	d, err := Defaults(profile)
	if err != nil {
		return Settings{}, err
	}
	var s Settings
	if n := pathLenOf(certificate); n != nil && (d.PathLen == nil || *d.PathLen != *n) {
		s.PathLen = n
	}
	if e := extension(certificate, "extKeyUsage"); e != nil && d.ExtKeyUsageCritical != nil && *d.ExtKeyUsageCritical != e.Critical {
		critical := e.Critical
		s.ExtKeyUsageCritical = &critical
	}
	if extension(certificate, "nameConstraints") != nil {
		s.NameConstraints = &NameConstraints{
			Permitted: Subtrees{
				DNS: certificate.PermittedDNSDomains, URI: certificate.PermittedURIDomains,
				Email: certificate.PermittedEmailAddresses, IP: Networks(certificate.PermittedIPRanges),
			},
			Excluded: Subtrees{
				DNS: certificate.ExcludedDNSDomains, URI: certificate.ExcludedURIDomains,
				Email: certificate.ExcludedEmailAddresses, IP: Networks(certificate.ExcludedIPRanges),
			},
		}
	}
	if e := extension(certificate, "certificatePolicies"); e != nil {
		if s.Policies, err = parsePolicies(e.Value); err != nil {
			return Settings{}, fmt.Errorf("settings of %s: %w", certificate.Subject, err)
		}
	}
	for _, u := range certificate.URIs {
		s.URIs = append(s.URIs, u.String())
	}
	s.IssuingCertificates = slices.Clone(certificate.IssuingCertificateURL)
	s.CRLDistribution = slices.Clone(certificate.CRLDistributionPoints)
	return s, nil
}

// pathLenOf is the path length that a certificate carries, nil for none.
func pathLenOf(certificate *x509.Certificate) *int {
	if !certificate.IsCA || certificate.MaxPathLen < 0 || certificate.MaxPathLen == 0 && !certificate.MaxPathLenZero {
		return nil
	}
	n := certificate.MaxPathLen
	return &n
}

// ValidityOf returns the length of a certificate's life as a plan writes it:
// calendar years where they are whole, days otherwise, and for openssl's -days,
// which is one second longer, the days that were asked for. A life of other
// length is an error.
func ValidityOf(certificate *x509.Certificate) (Validity, error) {
	from, to := certificate.NotBefore.UTC(), certificate.NotAfter.UTC()
	for years := 1; years <= to.Year()-from.Year()+1; years++ {
		if v := (Validity{Years: years}); v.NotAfter(from).Equal(to) {
			return v, nil
		}
	}
	life := to.Sub(from)
	v := Validity{Days: int((life + time.Second).Hours() / 24)}
	if end := v.NotAfter(from); v.Days < 1 || !end.Equal(to) && !end.Add(time.Second).Equal(to) {
		return Validity{}, fmt.Errorf("validity of %s: %s to %s is neither whole years nor whole days", certificate.Subject, stamp(from), stamp(to))
	}
	return v, nil
}

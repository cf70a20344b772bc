package pki_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/pki"
)

// What SettingsOf reads out of a certificate gives the same to-be-signed
// bytes again.
func TestSettingsOf_GivesTheSameBytesAgain(t *testing.T) {
	profiles := map[string]string{"root": pki.ProfileRoot, "fulcio-ca": pki.ProfileFulcioCA, "tsa": pki.ProfileTSA, "spire-ca": pki.ProfileSPIFFECA}
	for name, a := range published(t) {
		settings, err := pki.SettingsOf(a.certificate, profiles[name])
		if err != nil {
			t.Fatal(err)
		}
		subject, err := pki.ParseSubject(a.certificate.RawSubject)
		if err != nil {
			t.Fatal(err)
		}
		_, err = pki.ValidityOf(a.certificate)
		if err != nil {
			t.Fatal(err)
		}
		spec := pki.Spec{
			Profile: profiles[name], Subject: subject, Settings: settings, PublicKey: a.certificate.PublicKey,
			Serial: a.certificate.SerialNumber, NotBefore: a.certificate.NotBefore, NotAfter: a.certificate.NotAfter,
		}
		if len(a.chain) > 1 {
			spec.Issuer = a.chain[1]
		}
		prepared, err := pki.Prepare(spec, a.chain[1:], linter)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !bytes.Equal(prepared.TBS(), a.certificate.RawTBSCertificate) {
			t.Errorf("%s: other bytes come out", name)
		}
	}
}

func TestValidityOf_YearsDaysAndNeither(t *testing.T) {
	root := issue(t, pki.ProfileRoot, "Root CA", nil, nil)
	if v, err := pki.ValidityOf(root.certificate); err != nil || v != (pki.Validity{Years: 10}) {
		t.Errorf("got %v, %v", v, err)
	}
	odd := *root.certificate
	odd.NotAfter = odd.NotAfter.Add(-3600e9)
	if v, err := pki.ValidityOf(&odd); err == nil {
		t.Errorf("an hour less is %v", v)
	}
	// both ends count (RFC 5280 4.1.2.5); openssl's -days is one second longer
	for _, extra := range []time.Duration{-time.Second, 0} {
		odd.NotAfter = odd.NotBefore.AddDate(0, 0, 1095).Add(extra)
		if v, err := pki.ValidityOf(&odd); err != nil || v != (pki.Validity{Days: 1095}) {
			t.Errorf("1095 days and %s are %v, %v", extra, v, err)
		}
	}
	midnight := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	if end := (pki.Validity{Days: 1095}).NotAfter(midnight); end.Format(time.TimeOnly) != "23:59:59" {
		t.Errorf("1095d from midnight end %s", end)
	}
}

package attestation

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"testing"
)

func TestYubico_PinnedRoots(t *testing.T) {
	want := map[string]string{
		"Yubico PIV Root CA Serial 263751":    "63ece914e54dd87915f34033c85af4c0696ba1512f8add66ced738331207b546",
		"Yubico U2F Root CA Serial 457200631": "0fa1386f80eb8713263ae5c1d84deb455bdf08aea50ab05503cefee82b092d42",
		"Yubico Attestation Root 1":           "62760c6a6ef91679f454c8902b80fd009825b3f25da90f1fbace2ec6586cd5a8",
	}
	got := Yubico().roots
	if len(got) != len(want) {
		t.Fatalf("%d roots, expected %d", len(got), len(want))
	}
	for _, c := range got {
		sum := sha256.Sum256(c.Raw)
		if want[c.Subject.CommonName] != hex.EncodeToString(sum[:]) {
			t.Errorf("%q has digest %x", c.Subject.CommonName, sum)
		}
	}
}

func TestYubico_IntermediatesArePIVOnly(t *testing.T) {
	want := map[string]bool{
		"Yubico Attestation Intermediate A 1": true, "Yubico Attestation Intermediate B 1": true,
		"Yubico PIV Attestation A 1": true, "Yubico PIV Attestation B 1": true,
	}
	for _, c := range Yubico().intermediates {
		if !want[c.Subject.CommonName] {
			t.Errorf("%q is not wanted", c.Subject.CommonName)
		}
		delete(want, c.Subject.CommonName)
	}
	if len(want) != 0 {
		t.Errorf("missing: %v", want)
	}
}

func TestYubico_IsNotSharedWithCallers(t *testing.T) {
	if Yubico().rehearsal {
		t.Error("Yubico's roots are marked as a rehearsal's")
	}
	if r := Rehearsal(Yubico().roots[0]); !r.rehearsal || len(r.roots) != 1 || len(r.intermediates) != 0 {
		t.Errorf("got %+v", r)
	}
}

func TestYubico_IntermediatesLeadToTheNewRoot(t *testing.T) {
	r := Yubico()
	o := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(),
		CurrentTime: noon, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}
	o.Roots.AddCert(r.roots[2])
	for _, c := range r.intermediates {
		o.Intermediates.AddCert(c)
	}
	for _, c := range r.intermediates {
		if _, err := c.Verify(o); err != nil {
			t.Errorf("%s: %v", c.Subject.CommonName, err)
		}
	}
}

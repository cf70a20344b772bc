package pki_test

import (
	"bytes"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/hex"
	"flag"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki"
)

var update = flag.Bool("update", false, "write the golden certificates anew")

// published is a hierarchy as its owner publishes it: subjects, string types,
// dates and settings. The keys are this test's.
func published(t *testing.T) map[string]*authority {
	t.Helper()
	policy := func(arc string) []pki.Policy {
		return []pki.Policy{{OID: "1.3.6.1.4.1.65302.1." + arc, CPS: "https://trust.linnemanlabs.com/cps"}}
	}
	dns := func(names ...string) *pki.NameConstraints {
		return &pki.NameConstraints{Permitted: pki.Subtrees{DNS: names}}
	}
	yes, three := true, 3
	made := func(profile, name, encoding, days string, from time.Time, issuer *authority, settings pki.Settings) *authority {
		return issue(t, profile, name, issuer, func(s *pki.Spec) {
			validity, err := pki.ParseValidity(days)
			if err != nil {
				t.Fatal(err)
			}
			s.Subject = pki.Subject{Organization: "linnemanlabs.com", CommonName: "LinnemanLabs " + name, Encoding: encoding}
			s.NotBefore, s.NotAfter, s.Settings = from, validity.NotAfter(from).Add(time.Second), settings // openssl -days
			s.Serial = new(big.Int).SetBytes(append([]byte{0x54}, bytes.Repeat([]byte{byte(len(name))}, 19)...))
		})
	}
	root := made(pki.ProfileRoot, "Root CA", "utf8", "3650d", time.Date(2026, 3, 13, 8, 8, 38, 0, time.UTC), nil,
		pki.Settings{Policies: policy("1"), NameConstraints: dns("linnemanlabs.com", ".linnemanlabs.com", "phxi.net", ".phxi.net")})
	return map[string]*authority{
		"root": root,
		"fulcio-ca": made(pki.ProfileFulcioCA, "Fulcio CA", "printable", "1095d", time.Date(2026, 5, 24, 18, 41, 3, 0, time.UTC), root,
			pki.Settings{Policies: policy("3"), NameConstraints: dns(".linnemanlabs.com", ".phxi.net"), ExtKeyUsageCritical: &yes}),
		"tsa": made(pki.ProfileTSA, "TSA", "printable", "1095d", time.Date(2026, 5, 24, 18, 41, 24, 0, time.UTC), root,
			pki.Settings{Policies: policy("4")}),
		"spire-ca": made(pki.ProfileSPIFFECA, "SPIRE CA", "utf8", "1095d", time.Date(2026, 3, 15, 5, 36, 24, 0, time.UTC), root,
			pki.Settings{Policies: policy("2"), PathLen: &three, URIs: []string{"spiffe://linnemanlabs.com"}}),
	}
}

// want is an extension as published: OID, criticality and value in hex. SKI
// and AKI depend on the key, so that their last 20 bytes are left out.
type want struct {
	oid      string
	critical bool
	value    string
}

const cps = "3030302e06082b06010505070201162268747470733a2f2f74727573742e6c696e6e656d616e6c6162732e636f6d2f637073"

var (
	caSign     = want{"2.5.29.15", true, "03020204"}
	ski        = want{"2.5.29.14", false, "0414"}
	aki        = want{"2.5.29.35", false, "30168014"}
	policyHead = "3040303e060a2b0601040183fe1601"
)

var publishedExtensions = map[string][]want{
	"root": {
		{"2.5.29.19", true, "30030101ff"}, {"2.5.29.15", true, "03020106"}, ski,
		{"2.5.29.30", true, "3044a042301282106c696e6e656d616e6c6162732e636f6d301382112e6c696e6e656d616e6c6162732e636f6d300a8208706878692e6e6574300b82092e706878692e6e6574"},
		{"2.5.29.32", false, policyHead + "01" + cps},
	},
	"fulcio-ca": {
		{"2.5.29.19", true, "30060101ff020100"}, caSign, {"2.5.29.37", true, "300a06082b06010505070303"}, ski, aki,
		{"2.5.29.30", true, "3024a022301382112e6c696e6e656d616e6c6162732e636f6d300b82092e706878692e6e6574"},
		{"2.5.29.32", false, policyHead + "03" + cps},
	},
	"tsa": {
		{"2.5.29.19", true, "3000"}, {"2.5.29.15", true, "03020780"}, {"2.5.29.37", true, "300a06082b06010505070308"}, ski, aki,
		{"2.5.29.32", false, policyHead + "04" + cps},
	},
	"spire-ca": {
		{"2.5.29.19", true, "30060101ff020103"}, caSign, ski, aki,
		{"2.5.29.17", false, "301b86197370696666653a2f2f6c696e6e656d616e6c6162732e636f6d"},
		{"2.5.29.32", false, policyHead + "02" + cps},
	},
}

func TestPublishedHierarchy_ExtensionsAreThoseOfTheTable(t *testing.T) {
	for name, a := range published(t) {
		wants := publishedExtensions[name]
		if len(wants) != len(a.certificate.Extensions) {
			t.Errorf("%s has %d extensions, want %d", name, len(a.certificate.Extensions), len(wants))
			continue
		}
		for i, e := range a.certificate.Extensions {
			value := hex.EncodeToString(e.Value)
			if slices.Contains([]string{"2.5.29.14", "2.5.29.35"}, e.Id.String()) {
				value = value[:len(value)-40]
			}
			if got := (want{e.Id.String(), e.Critical, value}); got != wants[i] {
				t.Errorf("%s extension %d is %v, want %v", name, i, got, wants[i])
			}
		}
	}
}

func TestPublishedHierarchy_SubjectsKeepTheirStringTypes(t *testing.T) {
	all := published(t)
	for name, tag := range map[string]byte{"root": 0x0c, "spire-ca": 0x0c, "fulcio-ca": 0x13, "tsa": 0x13} {
		a := all[name]
		// SEQUENCE, SET, SEQUENCE, OID 2.5.4.10, then the string
		if got := a.certificate.RawSubject[2+2+2+5]; got != tag {
			t.Errorf("%s: the organization has string type %#x, want %#x", name, got, tag)
		}
		if got := a.certificate.RawIssuer[2+2+2+5]; got != 0x0c {
			t.Errorf("%s: the issuer has string type %#x, want the root's", name, got)
		}
	}
}

func TestPublishedHierarchy_Golden(t *testing.T) {
	for name, a := range published(t) {
		path := filepath.Join("testdata", "golden", name+".pem")
		got, err := pki.EncodeCertificate(a.certificate)
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		golden, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, golden) {
			t.Errorf("%s is not the certificate in %s", name, path)
		}
	}
}

func TestPublishedHierarchy_SignatureFollowsTheIssuersCurve(t *testing.T) {
	for name, a := range published(t) {
		if a.certificate.SignatureAlgorithm != x509.ECDSAWithSHA384 {
			t.Errorf("%s is signed with %s", name, a.certificate.SignatureAlgorithm)
		}
	}
	key := testpki.FixedKey(t, elliptic.P256(), "small root")
	spec := newSpec(t, pki.ProfileRoot, "small root", nil)
	spec.PublicKey = key.Public()
	prepared, err := pki.Prepare(spec, nil, linter)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := prepared.Issue(key)
	if err != nil {
		t.Fatal(err)
	}
	if certificate.SignatureAlgorithm != x509.ECDSAWithSHA256 {
		t.Errorf("a P-256 root is signed with %s", certificate.SignatureAlgorithm)
	}
}

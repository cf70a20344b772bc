package services

import (
	"crypto/elliptic"
	"crypto/x509"
	"net/url"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// spireStage has a SPIRE CA of a trust domain.
func spireStage(t *testing.T, domain string, change func(*x509.Certificate)) *stage {
	t.Helper()
	s := newStage(t)
	s.source.Plan.Authorities["spire"] = plan.Authority{Profile: pki.ProfileSPIFFECA, Settings: pki.Settings{URIs: []string{"spiffe://example.com"}},
		Generations: []plan.Generation{{Generation: 1, Key: plan.ExternalKey}}}
	c := &x509.Certificate{IsCA: true, BasicConstraintsValid: true, MaxPathLen: 2, KeyUsage: x509.KeyUsageCertSign, URIs: []*url.URL{{Scheme: "spiffe", Host: domain}}}
	change(c)
	s.certificate("spire", elliptic.P384(), c)
	s.chain("spire", "spire", "root")
	return s
}

func TestRender_SPIRE(t *testing.T) {
	s := spireStage(t, "example.com", func(*x509.Certificate) {})
	out, err := s.source.Render("spire")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]*x509.Certificate{"chain.pem": s.certs["spire"], "bundle.pem": s.certs["root"]} {
		got, err := pki.ParseCertificates(out[0].Files[name])
		if err != nil || len(got) != 1 || !got[0].Equal(want) {
			t.Errorf("%s has %d certificates: %v", name, len(got), err)
		}
	}
	if conf := string(out[0].Files["upstream-authority-awssecret.conf"]); !strings.Contains(conf, `region = "eu-west-1"`) || !strings.Contains(conf, `key_file_arn = "spire/key"`) {
		t.Errorf("awssecret:\n%s", conf)
	}
	files, err := Layout(out)
	if err != nil {
		t.Fatal(err)
	}
	if _, unit := files["spire/spire.service"]; unit || files["compose.yaml"] != nil || files["spire/upstream-authority-disk.conf"] == nil {
		t.Errorf("%d files", len(files))
	}
	if names := Renderable(s.source.Plan); len(names) != 5 || len(Names(s.source.Plan)) != 4 {
		t.Errorf("rendered for %v, asked are %v", names, Names(s.source.Plan))
	}
}

func TestRender_SPIRERefuses(t *testing.T) {
	for name, c := range map[string]struct {
		domain string
		change func(*x509.Certificate)
		want   string
	}{
		"no room for SPIRE's CA": {"example.com", func(c *x509.Certificate) { c.MaxPathLen, c.MaxPathLenZero = 0, true }, "spiffe://example.com/workload and every other SVID would be refused"},
		"another trust domain":   {"example.net", func(*x509.Certificate) {}, "spiffe://example.net"},
		"no trust domain":        {"example.com", func(c *x509.Certificate) { c.URIs = nil }, "trust domain []"},
		"no CA":                  {"example.com", func(c *x509.Certificate) { c.IsCA, c.MaxPathLen = false, -1 }, "not a CA"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := spireStage(t, c.domain, c.change).source.Render("spire"); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

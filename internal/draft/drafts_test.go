package draft_test

import (
	"bytes"
	"crypto/x509"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/draft"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/finding"
	"github.com/linnemanlabs/trustroot/pki/lint"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

func publishedPlan(t testing.TB) *plan.Plan {
	t.Helper()
	const path = "testdata/linnemanlabs.yaml"
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Parse(path, data)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The goldens of pki hold the published hierarchy under fixed keys, extension
// for extension; what the plan says must give the same to-be-signed bytes.
func TestPlan_PublishedHierarchyByteForByte(t *testing.T) {
	golden := func(name string) *x509.Certificate {
		data, err := os.ReadFile(filepath.Join("..", "..", "pki", "testdata", "golden", name+".pem"))
		if err != nil {
			t.Fatal(err)
		}
		c, err := pki.ParseCertificate(data)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	p, root := publishedPlan(t), golden("root")
	for authority, file := range map[string]string{"root": "root", "spire": "spire-ca", "fulcio": "fulcio-ca", "tsa": "tsa"} {
		want := golden(file)
		spec, err := p.Spec(authority, 1)
		if err != nil {
			t.Fatal(err)
		}
		spec.PublicKey, spec.Serial = want.PublicKey, want.SerialNumber
		if end := spec.NotAfter.Add(time.Second); end.Equal(want.NotAfter) { // openssl -days counts one end only
			spec.NotAfter = end
		}
		var chain []*x509.Certificate
		if authority != plan.RootAuthority {
			spec.Issuer, chain = root, []*x509.Certificate{root}
		}
		prepared, err := pki.Prepare(spec, chain, lint.New())
		if err != nil {
			t.Errorf("%s: %v", authority, err)
			continue
		}
		if !bytes.Equal(prepared.TBS(), want.RawTBSCertificate) {
			t.Errorf("%s: the plan gives other bytes than the golden", authority)
		}
	}
}

func TestDrafts_PublishedHierarchyWarnsByClientAndField(t *testing.T) {
	drafts, err := draft.Drafts(publishedPlan(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, d := range drafts {
		order = append(order, d.Authority)
		if d.Errors() > 0 || d.Certificate == nil || len(d.Text) < 8 {
			t.Errorf("%s: %v", d.Authority, d.Findings)
		}
	}
	if !slices.Equal(order, []string{"root", "fulcio", "spire", "tsa"}) {
		t.Errorf("order is %v", order)
	}
	has(t, drafts, "fulcio", lint.Warning, "authorities.fulcio.ext_key_usage_critical", "sigstore-python")
	has(t, drafts, "fulcio", lint.Warning, "authorities.fulcio.name_constraints", "pyca/cryptography")
	has(t, drafts, "spire", lint.Warning, "authorities.spire.template", "")
	effects := map[string]lint.Effect{}
	for _, e := range drafts[1].Names {
		effects[e.Type] = e
	}
	if e := effects["DNS"]; e.State != lint.Effective || !slices.Contains(e.Breaks, "pyca/cryptography") {
		t.Errorf("DNS: %+v", e)
	}
	if e := effects["URI"]; e.State != lint.NoOp || !e.Used {
		t.Errorf("URI: %+v", e)
	}
}

func has(t *testing.T, drafts []draft.Draft, authority string, severity finding.Severity, field, client string) {
	t.Helper()
	for _, d := range drafts {
		for _, f := range d.Findings {
			if d.Authority == authority && f.Severity == severity && f.Place == field && (client == "" || slices.Contains(f.Clients, finding.Client{Name: client, Effect: finding.Fails})) {
				return
			}
		}
	}
	t.Errorf("%s has no finding %s at %s for %q", authority, severity, field, client)
}

// Each of these is refused with the field of the plan to change.
func TestDrafts_RefusalsNameTheField(t *testing.T) {
	no, zero := false, 0
	for what, test := range map[string]struct {
		authority, field, says string
		change                 func(*plan.Plan)
	}{
		"tsa with two purposes": {"tsa", "authorities.tsa.template", "2 extended key usages", set("tsa", func(a *plan.Authority) {
			a.Template = `{"extensions": [{"id": "2.5.29.37", "critical": true,
				"value": "{{ asn1Seq (asn1Enc "oid:1.3.6.1.5.5.7.3.8") (asn1Enc "oid:1.3.6.1.5.5.7.3.3") }}"}]}`
		})},
		"tsa purpose not critical":   {"tsa", "authorities.tsa.ext_key_usage_critical", "critical", set("tsa", func(a *plan.Authority) { a.ExtKeyUsageCritical = &no })},
		"fulcio without codeSigning": {"fulcio", "authorities.fulcio.template", "codeSigning", set("fulcio", func(a *plan.Authority) { a.Template = `{"extKeyUsage": []}` })},
		"root with path length 0":    {"root", "authorities.root.path_len", "path_len 0", set("root", func(a *plan.Authority) { a.PathLen = &zero })},
		"longer than the issuer":     {"tsa", "authorities.tsa.validity", "outlives", set("tsa", func(a *plan.Authority) { a.Validity = pki.Validity{Years: 30} })},
	} {
		p := publishedPlan(t)
		test.change(p)
		drafts, err := draft.Drafts(p, nil)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		found := false
		for _, d := range drafts {
			for _, f := range d.Findings {
				found = found || d.Authority == test.authority && f.Severity == lint.Error && f.Place == test.field && strings.Contains(f.Text, test.says)
			}
			if d.Authority == test.authority && d.Errors() == 0 {
				t.Errorf("%s: %s has no error", what, d.Authority)
			}
		}
		if !found {
			t.Errorf("%s: no error at %s that says %q in %+v", what, test.field, test.says, drafts)
		}
	}
}

func set(name string, change func(*plan.Authority)) func(*plan.Plan) {
	return func(p *plan.Plan) {
		a := p.Authorities[name]
		change(&a)
		p.Authorities[name] = a
	}
}

// A root that no ceremony makes is stood in for by a copy of the known one.
func TestDrafts_KnownRootStandsIn(t *testing.T) {
	p := publishedPlan(t)
	data, err := os.ReadFile("../../pki/testdata/golden/root.pem")
	if err != nil {
		t.Fatal(err)
	}
	root, err := pki.ParseCertificate(data)
	if err != nil {
		t.Fatal(err)
	}
	set("root", func(a *plan.Authority) { a.Generations[0].Ceremony = "" })(p)
	drafts, err := draft.Drafts(p, draft.Known{"root": {root}})
	if err != nil {
		t.Fatal(err)
	}
	if len(drafts) != 3 {
		t.Fatalf("%d drafts, want those of fulcio, spire and tsa", len(drafts))
	}
	for _, d := range drafts {
		if d.Certificate == nil || !bytes.Equal(d.Certificate.AuthorityKeyId, root.SubjectKeyId) || !bytes.Equal(d.Certificate.RawIssuer, root.RawSubject) {
			t.Errorf("%s does not stand under the known root: %v", d.Authority, d.Findings)
		}
	}
}

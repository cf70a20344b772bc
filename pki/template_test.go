package pki_test

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/pki"
)

func withTemplate(t testing.TB, text string) pki.Spec {
	t.Helper()
	spec := newSpec(t, pki.ProfileRoot, "Root CA", nil)
	spec.Settings.Template = text
	return spec
}

func TestTemplate_AddsAndOverrides(t *testing.T) {
	spec := withTemplate(t, `{
		"keyUsage": ["certSign", "crlSign"],
		"order": ["subjectKeyId", "basicConstraints"],
		"extensions": [
			{"id": "1.3.6.1.4.1.99999.1", "value": "{{ asn1Enc (toJson .Subject.CommonName) }}"},
			{"id": "2.5.29.32", "critical": false, "value": "{{ asn1Seq (asn1Seq (asn1Enc "oid:2.5.29.32.0")) }}"}
		]}`)
	spec.Settings.Policies = []pki.Policy{{OID: "1.3.6.1.4.1.99999.2"}}
	spec.Settings.Template = strings.Replace(spec.Settings.Template, "toJson .Subject.CommonName", ".Subject.CommonName", 1)
	prepared, err := pki.Prepare(spec, nil, linter)
	if err != nil {
		t.Fatal(err)
	}
	extensions := prepared.Draft().Extensions
	var order []string
	for _, e := range extensions {
		order = append(order, e.Id.String())
	}
	if got := strings.Join(order, " "); got != "2.5.29.14 2.5.29.19 2.5.29.15 1.3.6.1.4.1.99999.1 2.5.29.32" {
		t.Errorf("extensions are %s", got)
	}
	if got := hex.EncodeToString(extensions[3].Value); got != "130f4578616d706c6520526f6f74204341" {
		t.Errorf("the added extension is %s", got)
	}
	if got := hex.EncodeToString(extensions[4].Value); got != "3008300606"+"04551d2000" {
		t.Errorf("the replaced extension is %s", got)
	}
}

func TestTemplate_CannotNameKeySubjectIssuerSerialOrDates(t *testing.T) {
	for _, field := range []string{"subject", "rawSubject", "Subject", "issuer", "serialNumber", "notBefore", "notAfter",
		"signatureAlgorithm", "publicKey", "PublicKey", "authorityKeyId", "version", "-"} {
		refused(t, withTemplate(t, `{"`+field+`": null}`), nil, "template", "cannot write the field", field)
	}
}

func TestTemplate_CannotReachOut(t *testing.T) {
	for _, call := range []string{
		`env "HOME"`, `expandenv "$HOME"`, `getHostByName "example.org"`, `now`, `randAlpha 4`, `uuidv4`, `genPrivateKey "rsa"`,
		`printf "%d" 1`, `print .Profile`, `html .Profile`, `js .Profile`, `urlquery .Profile`, `index .URIs 0`, `slice .Profile 1`, `call .Profile`,
		`repeat 3 "x"`, `until 3`, `list 1`, `toTime 1`, `fail "x"`,
	} {
		_, err := pki.Prepare(withTemplate(t, `{"uris": [{{ `+call+` }}]}`), nil, linter)
		if err == nil || (!strings.Contains(err.Error(), "not allowed") && !strings.Contains(err.Error(), "not defined")) {
			t.Errorf("%s: got %v", call, err)
		}
	}
}

func TestTemplate_RunsInBoundedTime(t *testing.T) {
	for text, word := range map[string]string{
		`{{ define "a" }}{{ end }}{}`:                                                                               "define",
		`{{ block "a" . }}{{ template "a" . }}{{ end }}{}`:                                                          "define",
		`{{ template "certificate" . }}`:                                                                            "call other templates",
		`{{ range 1000000000000 }}{{ end }}{}`:                                                                      "field only",
		`{{ $n := 1000000000000 }}{{ range $n }}{{ end }}{}`:                                                        "field only",
		`{{ range .URIs }}{{ range .URIs }}{{ end }}{{ end }}{}`:                                                    "range inside a range",
		`{{ range .URIs }}{{ else }}{{ range .URIs }}{{ end }}{{ end }}{}`:                                          "range inside a range",
		strings.Repeat(" ", 17<<10) + "{}":                                                                          "bytes",
		`{{ $x := asn1Enc "utf8:aaaaaaaaaaaaaaaa" }}` + strings.Repeat(`{{ $x = asn1Seq $x $x $x $x }}`, 20) + `{}`: "too large",
		`{{ $x := toJson "\"\"\"\"\"\"\"\"" }}` + strings.Repeat(`{{ $x = toJson $x }}`, 40) + `{}`:                 "too large",
	} {
		refused(t, withTemplate(t, text), nil, "template", word)
	}
}

func TestTemplate_RefusesWhatIsNoCertificate(t *testing.T) {
	for text, word := range map[string]string{
		`{{`:                                    "parse template",
		`[]`:                                    "read what the template wrote",
		`{} {}`:                                 "more than one",
		`null`:                                  "no JSON object",
		`{{ .Nothing }}`:                        "run template",
		`{"order": ["salt"]}`:                   "names no extension",
		`{"keyUsage": ["flying"]}`:              "read what the template wrote",
		`{"basicConstraints": null}`:            "basic constraints",
		`{"basicConstraints": {"isCA": false}}`: "that of a CA",
		`{"keyUsage": ["certSign", "crlSign", "digitalSignature"]}`:                        "key usage",
		`{"extKeyUsage": ["codeSigning"]}`:                                                 "no extended key usage",
		`{"subjectKeyId": "AAECAwQFBgcICQoLDA0ODxAREhMUFQ=="}`:                             "1 to 20 octets",
		`{"extensions": [{"id": "2.5.29.35", "value": "MAA="}]}`:                           "no authority key identifier",
		`{"nameConstraints": {"critical": false, "permittedDNSDomains": ["example.org"]}}`: "not critical",
	} {
		refused(t, withTemplate(t, text), nil, "template", word)
	}
}

func TestTemplate_CannotSwapTheKey(t *testing.T) {
	// the key is not a field of the JSON, and what x509util would take for one is refused
	spec := withTemplate(t, `{"uris": []}`)
	prepared, err := pki.Prepare(spec, nil, linter)
	if err != nil {
		t.Fatal(err)
	}
	want, err := pki.SPKISHA256(spec.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := pki.SPKISHA256(prepared.Draft().PublicKey); err != nil || got != want {
		t.Errorf("the certificate is for %s, %v", got, err)
	}
}

func TestTemplate_ASettingThatAProfileIgnoresIsRefused(t *testing.T) {
	root := issue(t, pki.ProfileRoot, "Root CA", nil, nil)
	one, yes := 1, true
	spec := newSpec(t, pki.ProfileTSA, "TSA", root)
	spec.Settings.PathLen = &one
	spec.Settings.NameConstraints = &pki.NameConstraints{Permitted: pki.Subtrees{DNS: []string{"example.org"}}}
	refused(t, spec, root.chain, "path_len", "no effect")
	refused(t, spec, root.chain, "name_constraints", "no effect")
	spec = newSpec(t, pki.ProfileRoot, "Root CA", nil)
	spec.Settings.ExtKeyUsageCritical = &yes
	spec.Settings.IssuingCertificates = []string{"http://example.org/root.crt"}
	refused(t, spec, nil, "ext_key_usage_critical", "no effect")
	refused(t, spec, nil, "issuing_certificates", "no effect")
}

func TestSettings_RefusesValues(t *testing.T) {
	minus := -1
	for field, s := range map[string]pki.Settings{
		"path_len":                        {PathLen: &minus},
		"uris":                            {URIs: []string{"example.org"}},
		"issuing_certificates":            {IssuingCertificates: []string{"ldap://example.org"}},
		"crl_distribution":                {CRLDistribution: []string{"http://example.org/a b"}},
		"policies.oid":                    {Policies: []pki.Policy{{OID: "1.3.6.1"}, {OID: "1.3.6.1"}}},
		"policies.cps":                    {Policies: []pki.Policy{{OID: "1.3.6.1", CPS: "example.org"}}},
		"name_constraints":                {NameConstraints: &pki.NameConstraints{}},
		"name_constraints.permitted.dns":  {NameConstraints: &pki.NameConstraints{Permitted: pki.Subtrees{DNS: []string{"*.example.org"}}}},
		"name_constraints.permitted.uri":  {NameConstraints: &pki.NameConstraints{Permitted: pki.Subtrees{URI: []string{"https://example.org"}}}},
		"name_constraints.excluded.email": {NameConstraints: &pki.NameConstraints{Excluded: pki.Subtrees{Email: []string{"a b@example.org"}}}},
		"name_constraints.excluded.ip":    {NameConstraints: &pki.NameConstraints{Excluded: pki.Subtrees{IP: []string{"192.0.2.1/24"}}}},
		"template":                        {Template: strings.Repeat("x", 17<<10)},
	} {
		spec := newSpec(t, pki.ProfileRoot, "Root CA", nil)
		spec.Settings = s
		refused(t, spec, nil, field)
	}
	many := newSpec(t, pki.ProfileRoot, "Root CA", nil)
	many.Settings = pki.Settings{CRLDistribution: make([]string, 65)}
	refused(t, many, nil, "crl_distribution", "65 entries")
}

func TestSettings_AnOIDOfBadFormIsRefused(t *testing.T) {
	for _, oid := range []string{"", "1", "1.2.", "a.b", "1.2.-3", "3.1.1", "1.2.680564733841876926926749214863536422912"} {
		spec := newSpec(t, pki.ProfileRoot, "Root CA", nil)
		spec.Settings = pki.Settings{Policies: []pki.Policy{{OID: oid}}}
		refused(t, spec, nil, "policies.oid")
	}
}

func TestPrepare_SameSpecSameBytes(t *testing.T) {
	a, err := pki.Prepare(newSpec(t, pki.ProfileRoot, "Root CA", nil), nil, linter)
	if err != nil {
		t.Fatal(err)
	}
	b, err := pki.Prepare(newSpec(t, pki.ProfileRoot, "Root CA", nil), nil, linter)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.TBS(), b.TBS()) {
		t.Error("one spec gives two certificates")
	}
	if a.Draft().Equal(b.Draft()) {
		t.Error("the throwaway key was used twice")
	}
}

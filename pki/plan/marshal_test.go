package plan

import (
	"reflect"
	"strings"
	"testing"
)

// Text that YAML could take for something else comes back as it was.
func TestMarshal_AwkwardText(t *testing.T) {
	p, err := Parse("pki.yaml", []byte(full(t)))
	if err != nil {
		t.Fatal(err)
	}
	c := p.Ceremonies["2026-first"]
	c.Witnesses = []string{"null", "~", "true", "Yes", "1", "1e5", "0x1f", "1_000", ".inf", "2026-05-01", "- a", "? a", "a: b", "a:", ": a",
		"a #b", "#a", "@a", "%a", "&a", "*a", "!a", "|", ">", "<<", "[a", "{a", "a, b", "'a'", "\"a\"", "a\\nb", "`a`", "é ü 漢", "=", "-", "a - b", "---", "..."}
	p.Ceremonies["2026-first"] = c
	roundTrip(t, p)
}

func TestMarshal_SeveralLines(t *testing.T) {
	p, err := Parse("pki.yaml", []byte(full(t)))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"{\n  \"a\": 1\n}\n", "{\n}", "a\n\nb\n", " a\nb\n", "a\n\n", "\na", "a\n \nb", "a\r\nb", "a\tb\n", "# a\nb: c\n"} {
		spire := p.Authorities["spire"]
		spire.Template = text
		p.Authorities["spire"] = spire
		roundTrip(t, p)
	}
	p.Rehearsal = &Rehearsal{AttestationRoots: testRoot}
	for name, a := range p.Authorities {
		a.Subject.Organization = "REHEARSAL"
		p.Authorities[name] = a
	}
	if out := roundTrip(t, p); !strings.Contains(out, "attestation_roots: |\n    -----BEGIN") {
		t.Errorf("the certificate is not a block that people can read:\n%s", out)
	}
}

func roundTrip(t *testing.T, p *Plan) string {
	t.Helper()
	out, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse("again.yaml", out)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !reflect.DeepEqual(p, again) {
		t.Errorf("wrote\n%s\nread %+v", out, again)
	}
	return string(out)
}

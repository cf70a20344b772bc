package pki

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/template"

	"github.com/sigstore/sigstore/pkg/cryptoutils"

	"github.com/linnemanlabs/trustroot/templates"
)

// maxRendered bounds the JSON that a template may write.
const maxRendered = 64 << 10

// templateData is what a profile's template sees. Its values have no methods.
type templateData struct {
	Profile             string
	Subject             Subject
	PathLen             int // -1 for none
	ExtKeyUsageCritical bool
	SubjectKeyID        []byte // SHA-1 of the subject public key's bit string (RFC 5280 4.2.1.2 (1))
	URIs                []string
	NameConstraints     map[string]any // as nameLimits has them; nil for none
	Policies            []Policy
	IssuingCertificates []string
	CRLDistribution     []string
}

// templateFields are the fields that a template may write: "order", the order
// of the extensions, and nothing that names the key, the subject, the issuer,
// the serial, the dates or the signature.
var templateFields = []string{
	"order", "basicConstraints", "keyUsage", "extKeyUsage", "unknownExtKeyUsage", "subjectKeyId",
	"dnsNames", "emailAddresses", "ipAddresses", "uris", "sans", "nameConstraints", "policyIdentifiers",
	"issuingCertificateURL", "ocspServer", "crlDistributionPoints", "extensions",
}

// replaces names the extension of a profile that a plan's own template does
// away with when it writes a field.
var replaces = map[string]string{
	"extKeyUsage":        "2.5.29.37",
	"unknownExtKeyUsage": "2.5.29.37",
	"policyIdentifiers":  "2.5.29.32",
}

// rendered is what came out of the templates of one certificate.
type rendered struct {
	certificate *x509.Certificate // extensions only
	order       []string
}

// render runs a profile's template, and the plan's own over it, and reads the
// result.
func render(profile string, subject Subject, s Settings, pub crypto.PublicKey) (*rendered, error) {
	text, err := templates.FS.ReadFile("profiles/" + profile + ".tpl")
	if err != nil {
		return nil, fmt.Errorf("profile %q has no template: %w", profile, err)
	}
	keyID, err := cryptoutils.SKID(pub)
	if err != nil {
		return nil, fmt.Errorf("compute subject key identifier: %w", err)
	}
	data := templateData{
		Profile: profile, Subject: subject, PathLen: -1, SubjectKeyID: keyID,
		URIs: s.URIs, NameConstraints: s.NameConstraints.data(), Policies: s.Policies,
		IssuingCertificates: s.IssuingCertificates, CRLDistribution: s.CRLDistribution,
		ExtKeyUsageCritical: s.ExtKeyUsageCritical != nil && *s.ExtKeyUsageCritical,
	}
	if s.PathLen != nil {
		data.PathLen = *s.PathLen
	}
	fields, err := execute(string(text), data)
	if err != nil {
		return nil, fmt.Errorf("profile %s: %w", profile, err)
	}
	if s.Template != "" {
		own, err := execute(s.Template, data)
		if err != nil {
			return nil, &Problem{Field: "template", Reason: err.Error()}
		}
		if err := overlay(fields, own); err != nil {
			return nil, &Problem{Field: "template", Reason: err.Error()}
		}
	}
	r, err := read(fields)
	if err != nil && s.Template != "" {
		return nil, &Problem{Field: "template", Reason: err.Error()}
	}
	return r, err
}

// execute runs one template and splits the JSON object that it writes.
func execute(text string, data templateData) (map[string]json.RawMessage, error) {
	if len(text) > maxTemplate {
		return nil, fmt.Errorf("%d bytes are more than the %d that a template may have", len(text), maxTemplate)
	}
	t, err := template.New("certificate").Funcs(functions).Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, fmt.Errorf("parse template: %w", err)
	}
	if err := guard(t); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&limitedWriter{&out, maxRendered}, data); err != nil {
		return nil, fmt.Errorf("run template: %w", err)
	}
	decoder := json.NewDecoder(&out)
	var fields map[string]json.RawMessage
	if err := decoder.Decode(&fields); err != nil {
		return nil, fmt.Errorf("read what the template wrote: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("the template wrote more than one JSON object")
	}
	for name := range fields {
		if !slices.Contains(templateFields, name) {
			return nil, fmt.Errorf("a template cannot write the field %q", name)
		}
	}
	if fields == nil {
		return nil, errors.New("the template wrote no JSON object")
	}
	return fields, nil
}

// overlay lays the fields of a plan's own template over those of the profile.
func overlay(fields, own map[string]json.RawMessage) error {
	var base, added []rawExtension
	if err := unmarshal(fields["extensions"], &base); err != nil {
		return err
	}
	if err := unmarshal(own["extensions"], &added); err != nil {
		return err
	}
	drop := map[string]bool{}
	for name := range own {
		drop[replaces[name]] = true
	}
	for _, e := range added {
		drop[e.ID] = true
	}
	base = slices.DeleteFunc(base, func(e rawExtension) bool { return drop[e.ID] })
	merged, err := json.Marshal(append(base, added...))
	if err != nil {
		return fmt.Errorf("merge extensions: %w", err)
	}
	for name, value := range own {
		fields[name] = value
	}
	fields["extensions"] = merged
	return nil
}

// read makes a certificate of what the templates wrote.
func read(written map[string]json.RawMessage) (*rendered, error) {
	r := &rendered{}
	if err := unmarshal(written["order"], &r.order); err != nil {
		return nil, err
	}
	for _, name := range r.order {
		if _, ok := extensionNames[name]; !ok {
			return nil, fmt.Errorf("order: %q names no extension", name)
		}
	}
	text, err := json.Marshal(written)
	if err != nil {
		return nil, fmt.Errorf("merge templates: %w", err)
	}
	var f fields
	if err := unmarshal(text, &f); err != nil {
		return nil, err
	}
	if r.certificate, err = f.certificate(); err != nil {
		return nil, fmt.Errorf("read what the template wrote: %w", err)
	}
	return r, nil
}

func unmarshal(raw json.RawMessage, v any) error {
	if raw == nil {
		return nil
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("read what the template wrote: %w", err)
	}
	return nil
}

// data names the constraints as nameLimits does.
func (n *NameConstraints) data() map[string]any {
	if n == nil {
		return nil
	}
	return map[string]any{
		"critical":            true,
		"permittedDNSDomains": n.Permitted.DNS, "excludedDNSDomains": n.Excluded.DNS,
		"permittedURIDomains": n.Permitted.URI, "excludedURIDomains": n.Excluded.URI,
		"permittedEmailAddresses": n.Permitted.Email, "excludedEmailAddresses": n.Excluded.Email,
		"permittedIPRanges": n.Permitted.IP, "excludedIPRanges": n.Excluded.IP,
	}
}

type limitedWriter struct {
	w    io.Writer
	left int
}

func (l *limitedWriter) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left < 0 {
		return 0, fmt.Errorf("the template writes more than %d bytes", maxRendered)
	}
	return l.w.Write(p)
}

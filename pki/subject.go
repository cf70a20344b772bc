package pki

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Values of Subject.Encoding.
const (
	EncodingUTF8      = "utf8"
	EncodingPrintable = "printable"
)

// maxName is ub-organization-name and ub-common-name (RFC 5280 appendix A.1),
// in characters.
const maxName = 64

var (
	oidOrganization = asn1.ObjectIdentifier{2, 5, 4, 10}
	oidCommonName   = asn1.ObjectIdentifier{2, 5, 4, 3}
)

// Check refuses a subject without organization or common name, one that its
// string type cannot carry, and control characters. It reports every problem.
func (s Subject) Check() error {
	var p problems
	s.check(&p)
	return p.err()
}

func (s Subject) check(p *problems) {
	if s.Raw != "" {
		s.checkRaw(p)
		return
	}
	if s.Encoding != "" && s.Encoding != EncodingUTF8 && s.Encoding != EncodingPrintable {
		p.add("subject.encoding", "%q is not a string type: write utf8 or printable", s.Encoding)
		return
	}
	for _, attribute := range []struct{ field, value string }{
		{"subject.organization", s.Organization},
		{"subject.common_name", s.CommonName},
	} {
		switch {
		case attribute.value == "":
			p.add(attribute.field, "is empty: Sigstore's certificate specification asks for organization and common name")
		case !utf8.ValidString(attribute.value):
			p.add(attribute.field, "is not valid UTF-8")
		case utf8.RuneCountInString(attribute.value) > maxName:
			p.add(attribute.field, "is longer than %d characters (RFC 5280 appendix A.1)", maxName)
		case strings.TrimSpace(attribute.value) != attribute.value:
			p.add(attribute.field, "begins or ends with a space")
		case strings.ContainsFunc(attribute.value, unicode.IsControl):
			p.add(attribute.field, "holds a control character")
		case s.Encoding == EncodingPrintable && !IsPrintable(attribute.value):
			p.add(attribute.field, "%q holds characters that PrintableString cannot carry: set subject.encoding to utf8", attribute.value)
		}
	}
}

// DER encodes the subject: organization, then common name, each in a set of
// its own with the pinned string type.
func (s Subject) DER() ([]byte, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	if s.Raw != "" {
		return base64.StdEncoding.DecodeString(s.Raw)
	}
	tag := asn1.TagUTF8String
	if s.Encoding == EncodingPrintable {
		tag = asn1.TagPrintableString
	}
	attribute := func(oid asn1.ObjectIdentifier, value string) []pkix.AttributeTypeAndValue {
		return []pkix.AttributeTypeAndValue{{Type: oid, Value: asn1.RawValue{Tag: tag, Bytes: []byte(value)}}}
	}
	der, err := asn1.Marshal(pkix.RDNSequence{
		attribute(oidOrganization, s.Organization),
		attribute(oidCommonName, s.CommonName),
	})
	if err != nil {
		return nil, fmt.Errorf("encode subject: %w", err)
	}
	return der, nil
}

// String is the subject as people read it, "O=…, CN=…".
func (s Subject) String() string { return "O=" + s.Organization + ", CN=" + s.CommonName }

// checkRaw holds a name that is kept byte for byte against the organization and
// common name beside it.
func (s Subject) checkRaw(p *problems) {
	der, err := base64.StdEncoding.DecodeString(s.Raw)
	if err != nil {
		p.add("subject.raw", "is not base64")
		return
	}
	in, err := readName(der)
	switch {
	case err != nil:
		p.add("subject.raw", "%v", err)
	case s.Encoding != "":
		p.add("subject.encoding", "says nothing beside subject.raw, which has its own string types: remove one of them")
	case in.Organization != s.Organization || in.CommonName != s.CommonName:
		p.add("subject.raw", "is %s, the fields beside it are %s", in, s)
	case in.CommonName == "":
		p.add("subject.raw", "has no common name")
	}
}

// readName returns the organization and common name of a name of any shape.
func readName(der []byte) (Subject, error) {
	var name pkix.RDNSequence
	rest, err := asn1.Unmarshal(der, &name)
	if err != nil || len(rest) != 0 || len(name) == 0 {
		return Subject{}, errors.New("is not a distinguished name in DER")
	}
	var s Subject
	for _, set := range name {
		for _, attribute := range set {
			value, _ := attribute.Value.(string)
			switch {
			case attribute.Type.Equal(oidOrganization):
				s.Organization = value
			case attribute.Type.Equal(oidCommonName):
				s.CommonName = value
			}
		}
	}
	return s, nil
}

// ParseSubject reads a subject that DER wrote. A name of another shape, with
// more attributes, another order or mixed string types, is kept in Raw.
func ParseSubject(der []byte) (Subject, error) {
	s, err := readName(der)
	if err != nil {
		return Subject{}, fmt.Errorf("parse subject: %w", err)
	}
	// the encoder is the judge: whatever it does not reproduce has another shape
	for _, encoding := range []string{EncodingUTF8, EncodingPrintable} {
		s.Encoding = encoding
		if again, err := s.DER(); err == nil && bytes.Equal(again, der) {
			return s, nil
		}
	}
	s.Encoding, s.Raw = "", base64.StdEncoding.EncodeToString(der)
	return s, s.Check()
}

// IsPrintable reports whether a PrintableString can carry a text (X.680 41.4).
func IsPrintable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return unprintable(r, " '()+,-./:=?") })
}

// unprintable reports whether a rune is neither a letter or digit of ASCII nor
// one of some marks.
func unprintable(r rune, marks string) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(marks, r)
}

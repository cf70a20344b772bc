package pki

import (
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// What a value of asn1Enc may be, before its colon; a text that names none is
// printable.
var kinds = []string{"int", "oid", "bool", "boolean", "raw", "utf8", "ia5", "numeric", "printable", "utc", "generalized"}

// encodeValue is the template function asn1Enc: it encodes "oid:1.2.3", or
// "tag:1,utf8:text", with the parameters of encoding/asn1, as DER in base64.
func encodeValue(text string) (string, error) {
	if len(text) > maxValue {
		return "", errLarge
	}
	parameters, value, found := strings.Cut(text, ":")
	if !found {
		parameters, value = "printable", text
	}
	kind := ""
	var rest []string
	for part := range strings.SplitSeq(parameters, ",") {
		if slices.Contains(kinds, part) {
			kind = part
		}
		switch part {
		case "int", "oid", "bool", "boolean", "raw", "":
			// encoding/asn1 tells these by the type
		default:
			rest = append(rest, part)
		}
	}
	if kind == "raw" {
		der, err := base64.StdEncoding.DecodeString(value)
		return base64.StdEncoding.EncodeToString(der), err
	}
	v, err := typedValue(kind, value)
	if err != nil {
		return "", fmt.Errorf("encode %q: %w", text, err)
	}
	der, err := asn1.MarshalWithParams(v, strings.Join(rest, ","))
	if err != nil {
		return "", fmt.Errorf("encode %q: %w", text, err)
	}
	return base64.StdEncoding.EncodeToString(der), nil
}

func typedValue(kind, value string) (any, error) {
	switch kind {
	case "int":
		return strconv.Atoi(value)
	case "oid":
		return arcs(value)
	case "bool", "boolean":
		return strconv.ParseBool(value)
	case "utc", "generalized":
		return time.Parse(time.RFC3339, value)
	case "utf8", "ia5", "numeric": // the last two are checked by encoding/asn1
		if !utf8.ValidString(value) {
			return nil, errors.New("invalid UTF-8")
		}
	default:
		// crypto/x509 also takes the asterisk and the ampersand
		if strings.ContainsFunc(value, func(r rune) bool { return unprintable(r, " '()+,-./:=?*&") }) {
			return nil, errors.New("invalid PrintableString: write utf8: before it")
		}
	}
	return value, nil
}

// enclose returns the template functions asn1Seq and asn1Set: the parts, DER in
// base64, inside a SEQUENCE or a SET.
func enclose(tag int) func(...string) (string, error) {
	return func(parts ...string) (string, error) {
		total := 0
		var content []byte
		for _, part := range parts {
			if total += len(part); total > maxValue {
				return "", errLarge
			}
			der, err := base64.StdEncoding.DecodeString(part)
			if err != nil {
				return "", err
			}
			content = append(content, der...)
		}
		der, err := asn1.Marshal(asn1.RawValue{Tag: tag, IsCompound: true, Bytes: content})
		return base64.StdEncoding.EncodeToString(der), err
	}
}

package draft

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/pki"
)

// Difference is one field in which two certificates are not the same. Empty
// means that the field is not there.
type Difference struct {
	Field string `json:"field"`
	Old   string `json:"old"`
	New   string `json:"new"`
}

// WhatAlwaysDiffers are the fields that a new generation has to itself.
var WhatAlwaysDiffers = map[string]string{"key": "key", "subject key identifier": "key", "serial": "serial", "valid": "dates"}

// Differences compares two certificates field by field, in the order of the
// newer one. sameKey says that the key will be the same, whatever a draft
// under a throwaway key shows.
func Differences(old, next *x509.Certificate, sameKey bool) []Difference {
	before, after := fields(old), fields(next)
	var out []Difference
	add := func(field, was, is string) {
		if was != is && (!sameKey || WhatAlwaysDiffers[field] != "key") {
			out = append(out, Difference{field, was, is})
		}
	}
	for _, line := range pki.Describe(next) {
		field, _, _ := strings.Cut(line, ": ")
		add(field, before[field], after[field])
	}
	for _, line := range pki.Describe(old) {
		if field, text, _ := strings.Cut(line, ": "); after[field] == "" {
			add(field, text, "")
		}
	}
	if before["subject"] == after["subject"] && !bytes.Equal(old.RawSubject, next.RawSubject) {
		add("subject's string types", stringTypes(old), stringTypes(next))
	}
	add("order of extensions", order(old), order(next))
	if days(old) != days(next) { // 1095 days may be three years, and the other way round
		add("length of validity", length(old), length(next))
	}
	return out
}

func fields(c *x509.Certificate) map[string]string {
	m := map[string]string{}
	for _, line := range pki.Describe(c) {
		field, text, _ := strings.Cut(line, ": ")
		m[field] = text
	}
	return m
}

func stringTypes(c *x509.Certificate) string {
	s, err := pki.ParseSubject(c.RawSubject)
	if err != nil {
		return "mixed"
	}
	return s.Encoding
}

func order(c *x509.Certificate) string {
	ids := make([]string, 0, len(c.Extensions))
	for _, e := range c.Extensions {
		ids = append(ids, e.Id.String())
	}
	return strings.Join(ids, " ")
}

// length is in calendar years where it is whole ones, as they end a second
// before the anniversary, and in days otherwise.
func length(c *x509.Certificate) string {
	end := c.NotAfter.Add(time.Second)
	if years := end.Year() - c.NotBefore.Year(); years > 0 && c.NotBefore.AddDate(years, 0, 0).Equal(end) {
		return fmt.Sprintf("%d years", years)
	}
	return fmt.Sprintf("%d days", days(c))
}

func days(c *x509.Certificate) int { return int(c.NotAfter.Sub(c.NotBefore).Hours()/24 + 0.5) }

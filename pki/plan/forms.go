package plan

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// maxName bounds names, which become folders.
const maxName = 63

var (
	nameForm     = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)
	digestForm   = regexp.MustCompile(`^[0-9a-f]{64}$`)
	keyARNForm   = regexp.MustCompile(`^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[0-9A-Za-z-]+$`)
	firmwareForm = regexp.MustCompile(`^[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}$`)
	oidForm      = regexp.MustCompile(`^[0-2](\.(0|[1-9][0-9]*))+$`)
	rehearsal    = regexp.MustCompile(`\bREHEARSAL\b`)
)

// badText says what keeps a text from being read by people, if anything.
func badText(s string) string {
	if strings.TrimSpace(s) != s || s == "" {
		return "must not be empty, nor begin or end with a space"
	}
	for _, c := range s {
		if !unicode.IsPrint(c) {
			return fmt.Sprintf("holds the unprintable character %U", c)
		}
	}
	return ""
}

// badURL says what keeps a text from being the https URL of a service.
func badURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.Opaque != "" {
		return fmt.Sprintf("%q is not a URL: write it like https://name.example.com", s)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return fmt.Sprintf("%q must begin with https:// (http:// is for loopback alone)", s)
	}
	if u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#") {
		return fmt.Sprintf("%q must have no user, query or fragment", s)
	}
	return ""
}

// badBaseURL is badURL for a URL that clients append paths to.
func badBaseURL(s string) string {
	if reason := badURL(s); reason != "" {
		return reason
	}
	if strings.HasSuffix(s, "/") {
		return fmt.Sprintf("%q must not end with a slash: clients append the path", s)
	}
	return ""
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// badPointer is for the URLs inside certificates, which clients fetch before
// they can check a TLS certificate (RFC 5280 8): http is right there.
func badPointer(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Sprintf("%q is not an http or https URL", s)
	}
	return ""
}

// badKeySlot says what keeps a PIV slot from holding a P-256 key beside the
// root's: 9c is the root's, f9 attests.
func badKeySlot(slot string) string {
	switch slot {
	case "9c":
		return "slot 9c signs certificates and CRLs and nothing else: write 9a, 9d, 9e or 82 to 95"
	case "f9":
		return "slot f9 holds the attestation key: write 9a, 9d, 9e or 82 to 95"
	}
	retired := len(slot) == 2 && slot >= "82" && slot <= "95" && strings.Trim(slot, "0123456789abcdef") == ""
	if !retired && !slices.Contains([]string{"9a", "9d", "9e"}, slot) {
		return fmt.Sprintf("%q is not a PIV slot: write 9a, 9d, 9e or 82 to 95", slot)
	}
	return ""
}

// badRoots says what keeps a text from being PEM certificates, the first of
// them a root. Nobody trusts a root for its own signature, so that is left alone.
func badRoots(s string) string {
	rest := []byte(s)
	for n := 1; len(bytes.TrimSpace(rest)) > 0; n++ {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil || block.Type != "CERTIFICATE" || n > 8 {
			return "must be at most 8 PEM certificates and nothing else"
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return fmt.Sprintf("certificate %d cannot be read: %v", n, err)
		}
		if n == 1 && (!cert.IsCA || !bytes.Equal(cert.RawSubject, cert.RawIssuer)) {
			return "the first certificate is not a root: no CA, or issued by another"
		}
	}
	if s == "" || !strings.Contains(s, "BEGIN") {
		return "must hold the PEM certificates that the virtual token's attestations chain to"
	}
	return ""
}

// maxDays is a hundred years.
const maxDays = 36525

// MarshalText implements encoding.TextMarshaler: "197d".
func (d Days) MarshalText() ([]byte, error) { return []byte(strconv.Itoa(int(d)) + "d"), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Days) UnmarshalText(b []byte) error {
	digits, isDays := strings.CutSuffix(string(b), "d")
	n, err := strconv.Atoi(digits)
	if err != nil || !isDays || n < 1 || n > maxDays {
		return fmt.Errorf("%q is not a number of days: write it like 197d", b)
	}
	*d = Days(n)
	return nil
}

package checkpoint

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// maxOrigin bounds an origin, in bytes.
const maxOrigin = 255

// CheckOrigin refuses an origin that is not a schemeless name, that notes cannot
// carry (C2SP signed-note: no space, no plus), or, for Rekor v2, that is not a
// bare host name: sigstore-go takes the origin from the base URL's host and
// drops port and path.
func CheckOrigin(kind, origin string) error {
	name := func(why string) error { return fmt.Errorf("origin %q %s", origin, why) }
	switch {
	case origin == "":
		return name("is empty")
	case len(origin) > maxOrigin:
		return fmt.Errorf("origin is longer than %d bytes", maxOrigin)
	case strings.Contains(origin, "://"):
		_, rest, _ := strings.Cut(origin, "://")
		return name(fmt.Sprintf("has a scheme: write %q", strings.TrimRight(rest, "/")))
	case strings.HasSuffix(origin, "/"):
		return name(fmt.Sprintf("ends with a slash: write %q", strings.TrimRight(origin, "/")))
	case strings.HasPrefix(origin, "/"):
		return name("begins with a slash")
	case strings.Contains(origin, "+"):
		return name("holds a plus, which separates the parts of a verifier string")
	case strings.ContainsFunc(origin, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsGraphic(r) || r > unicode.MaxASCII }):
		return name("holds a space or a character that is not printable ASCII")
	}
	if kind == RekorV2 && !isHost(origin) {
		return name("is not a bare host name: sigstore-go takes the origin of Rekor v2 from the base URL's host, without port and path")
	}
	return nil
}

// CheckURL refuses a base URL under which verifiers would look for another
// origin: Rekor v2's must have the origin as its host. Every base URL is an
// absolute http or https URL without query, fragment and user.
func CheckURL(kind, origin, baseURL string) error {
	u, err := url.Parse(baseURL)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return fmt.Errorf("base URL %q is not an http or https URL: without a scheme its host name is empty and every verification fails", baseURL)
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("base URL %q has a user, a query or a fragment", baseURL)
	}
	if kind == RekorV2 && u.Hostname() != origin {
		return fmt.Errorf("origin %q is not the host %q of the base URL %s: sigstore-go looks for checkpoints of %q and finds none", origin, u.Hostname(), baseURL, u.Hostname())
	}
	return nil
}

// isHost takes host names in lower case and IP addresses of version 4.
func isHost(s string) bool {
	if ip, err := netip.ParseAddr(s); err == nil {
		return ip.Is4()
	}
	return !slices.ContainsFunc(strings.Split(s, "."), func(label string) bool {
		return label == "" || len(label) > 63 || strings.Trim(label, "-") != label ||
			strings.ContainsFunc(label, func(r rune) bool { return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') })
	})
}

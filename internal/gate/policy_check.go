package gate

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/pattern"
	"github.com/linnemanlabs/trustroot/internal/strict"
	"github.com/linnemanlabs/trustroot/pki"
)

const (
	formatVersion   = 1
	maxKeys         = 8
	maxAttestations = 8
	maxClaim        = 1024 // bytes
)

var hexDigest = pattern.New(`^[0-9a-f]{64}$`)

// check returns strict.Problems with everything that breaks a rule.
func (p *Policy) check() error {
	var found strict.Problems
	add := func(field, format string, args ...any) {
		found = append(found, strict.Problem{Field: field, Reason: fmt.Sprintf(format, args...)})
	}
	if p.Version != formatVersion {
		add("version", "%d is unknown; write %d", p.Version, formatVersion)
	}
	p.Trust.check(add)
	if len(p.Keys) < 1 || len(p.Keys) > maxKeys {
		add("keys", "name 1 to %d signing keys of the application; here are %d", maxKeys, len(p.Keys))
	}
	for i, k := range p.Keys {
		k.check(fmt.Sprintf("keys[%d]", i), add)
	}
	p.Keyless.check(add)
	if len(p.Attestations) > maxAttestations {
		add("attestations", "name at most %d predicate types; here are %d", maxAttestations, len(p.Attestations))
	}
	for i, predicate := range p.Attestations {
		if u, err := url.Parse(predicate); err != nil || u.Scheme == "" || len(predicate) > maxClaim {
			add(fmt.Sprintf("attestations[%d]", i), "%q is no URI of a predicate type", predicate)
		}
	}
	if len(found) > 0 {
		return found
	}
	return nil
}

func (t Trust) check(add func(field, format string, args ...any)) {
	places := slices.DeleteFunc([]string{t.File, t.Cache, t.Repository}, func(s string) bool { return s == "" })
	if len(places) != 1 {
		add("trust", "name exactly one of file, cache and repository")
	}
	for _, place := range []struct{ field, value string }{
		{"trust.file", t.File}, {"trust.cache", t.Cache}, {"trust.repository", t.Repository}, {"trust.root", t.Root},
	} {
		if strings.Contains(place.value, "://") {
			add(place.field, "%q is a URL; the gate works offline, name a path", place.value)
		}
	}
	if (t.Repository == "") != (t.Root == "") {
		add("trust.root", "repository and root go together: the root is what the repository is checked against")
	}
}

func (k Key) check(field string, add func(field, format string, args ...any)) {
	if (k.PEM == "") == (k.File == "") {
		add(field, "name the key by pem or by file")
	}
	if k.SPKISHA256 != "" && !hexDigest.MatchString(k.SPKISHA256) {
		add(field+".spki_sha256", "write 64 lower-case hex digits")
	}
	if k.PEM != "" {
		if _, err := parseKey([]byte(k.PEM), k.SPKISHA256); err != nil {
			add(field+".pem", "%v", err)
		}
	}
}

func (k Keyless) check(add func(field, format string, args ...any)) {
	for _, c := range k.claims() {
		field := "keyless." + c.name
		star := strings.Count(c.want, "*")
		switch {
		case c.want == "":
			add(field, "is missing; every claim is pinned")
		case len(c.want) > maxClaim:
			add(field, "has more than %d bytes", maxClaim)
		case strings.TrimSpace(c.want) != c.want:
			add(field, "begins or ends with white space")
		case star > 0 && !c.open:
			add(field, "has a star; only identity and ref may end with one")
		case star > 1 || star == 1 && !strings.HasSuffix(c.want, "*"):
			add(field, "may have one star, at the end")
		case star == 1 && strings.HasSuffix(c.want, "://*"):
			add(field, "would admit any host")
		case c.want == "*":
			add(field, "would admit anything")
		}
	}
	if u, err := url.Parse(k.Issuer); k.Issuer != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		add("keyless.issuer", "%q is no http or https URL", k.Issuer)
	}
	if k.Repository != "" && strings.Count(k.Repository, "/") != 1 {
		add("keyless.repository", "%q is not OWNER/REPOSITORY", k.Repository)
	}
	if k.Ref != "" && !strings.HasPrefix(k.Ref, "refs/") {
		add("keyless.ref", "%q does not begin with refs/", k.Ref)
	}
}

// parseKey reads a public key in PEM and, where a digest is given, compares it.
func parseKey(data []byte, want string) (*publicKey, error) {
	pub, err := pki.ParsePublicKey(data)
	if err != nil {
		return nil, err
	}
	got, err := pki.SPKISHA256(pub)
	if err != nil {
		return nil, err
	}
	if want != "" && got != want {
		return nil, fmt.Errorf("the key's SPKI has the SHA-256 %s, pinned is %s", got, want)
	}
	return &publicKey{key: pub, spki: got}, nil
}

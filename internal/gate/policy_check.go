package gate

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/strict"
	"github.com/linnemanlabs/trustroot/pki"
)

const (
	formatVersion   = 2
	maxSigners      = 8 // keys, and keyless identities
	maxAttestations = 8
	maxClaim        = 1024 // bytes
)

// Rules of a policy.
const (
	ruleAll    = "all"
	ruleAny    = "any"
	ruleCounts = "counts"
)

var hexDigest = regexp.MustCompile(`^[0-9a-f]{64}$`)

// problem adds what breaks a rule.
type problem func(field, format string, args ...any)

// check returns strict.Problems with everything that breaks a rule.
func (p *Policy) check() error {
	var found strict.Problems
	add := func(field, format string, args ...any) {
		found = append(found, strict.Problem{Field: field, Reason: fmt.Sprintf(format, args...)})
	}
	switch p.Version {
	case formatVersion:
	case 1:
		add("version", firstVersion)
	default:
		add("version", "%d is unknown; write %d", p.Version, formatVersion)
	}
	p.Trust.check(add)
	for i, k := range p.Keys {
		k.check(fmt.Sprintf("keys[%d]", i), add)
	}
	for i, k := range p.Keyless {
		k.check(fmt.Sprintf("keyless[%d]", i), add)
	}
	p.checkRule(add)
	if len(p.Attestations) > maxAttestations {
		add("attestations", "name at most %d predicate types; here are %d", maxAttestations, len(p.Attestations))
	}
	for i, predicate := range p.Attestations {
		if u, err := url.Parse(predicate); err != nil || u.Scheme == "" || len(predicate) > maxClaim {
			add(fmt.Sprintf("attestations[%d]", i), "%q is not the URI of a predicate type", predicate)
		}
	}
	if len(found) > 0 {
		return found
	}
	return nil
}

// checkRule wants as many signers in the policy as its rule asks for.
func (p *Policy) checkRule(add problem) {
	if len(p.Keys) > maxSigners {
		add("keys", "name at most %d keys; here are %d", maxSigners, len(p.Keys))
	}
	if len(p.Keyless) > maxSigners {
		add("keyless", "name at most %d identities; here are %d", maxSigners, len(p.Keyless))
	}
	if !slices.Contains([]string{"", ruleAll, ruleAny, ruleCounts}, p.Rule) {
		add("rule", "%q is unknown; write all, any or counts", p.Rule)
		return
	}
	if (p.Rule == ruleCounts) != (p.Counts != nil) {
		add("counts", "rule counts and counts go together")
		return
	}
	if p.Rule == ruleAny {
		if len(p.Keys)+len(p.Keyless) == 0 {
			add("keys", "name a key, or an identity under keyless")
		}
		return
	}
	want := p.counts()
	if want.Keys < 0 || want.Keyless < 0 || want.Keys+want.Keyless == 0 {
		add("counts", "ask for at least one bundle")
	}
	if want.Keys > len(p.Keys) {
		add("keys", "the rule wants %d; here are %d", want.Keys, len(p.Keys))
	}
	if want.Keyless > len(p.Keyless) {
		add("keyless", "the rule wants %d; here are %d", want.Keyless, len(p.Keyless))
	}
}

// counts is what the rule asks for; with any, either number is enough.
func (p *Policy) counts() Counts {
	if p.Counts != nil {
		return *p.Counts
	}
	return Counts{Keys: 1, Keyless: 1}
}

func (t Trust) check(add problem) {
	places := slices.DeleteFunc([]string{t.File, t.Cache, t.Repository}, func(s string) bool { return s == "" })
	if len(places) != 1 {
		add("trust", "name exactly one of file, cache and repository")
	}
	for _, place := range []struct{ field, value string }{
		{"file", t.File}, {"cache", t.Cache}, {"repository", t.Repository}, {"root", t.Root},
		{"witnesses", t.Witnesses}, {"retired", t.Retired}, {"tiles", t.Tiles},
	} {
		if strings.Contains(place.value, "://") {
			add("trust."+place.field, "%q is a URL; the gate works offline, name a path", place.value)
		}
	}
	if (t.Repository == "") != (t.Root == "") {
		add("trust.root", "repository and root go together: the root is what the repository is checked against")
	}
	if strings.HasPrefix(t.Witnesses, targetPrefix) && t.Repository == "" {
		add("trust.witnesses", "%q is a target, and the policy names no repository", t.Witnesses)
	}
	for i, domain := range t.Own {
		if domain == "" || domain != strings.ToLower(domain) || strings.ContainsAny(domain, "/:*@ ") || strings.HasPrefix(domain, ".") {
			add(fmt.Sprintf("trust.own[%d]", i), "%q is not a domain; write it like example.com", domain)
		}
	}
	for _, s := range []struct{ field, value string }{{"fulcio", t.Fulcio}, {"log", t.Log}, {"ct", t.CT}, {"time", t.Time}} {
		switch {
		case s.value == "":
		case !slices.Contains([]string{own, public, both}, s.value) || s.field == "fulcio" && s.value == both:
			add("trust."+s.field, "%q is unknown; write own, public or, but for fulcio, both", s.value)
		case len(t.Own) == 0:
			add("trust.own", "is missing: %s says %q, and the gate does not know which services are own", s.field, s.value)
		}
	}
	for i, name := range t.CRLs {
		if strings.Contains(name, "://") || name == "" {
			add(fmt.Sprintf("trust.crls[%d]", i), "%q is not a path; the gate works offline", name)
		}
		if strings.HasPrefix(name, targetPrefix) && t.Repository == "" {
			add(fmt.Sprintf("trust.crls[%d]", i), "%q is a target, and the policy names no repository", name)
		}
	}
	for i, s := range t.Stolen {
		if at := fmt.Sprintf("trust.stolen[%d]", i); !hexDigest.MatchString(s.SPKISHA256) {
			add(at+".spki_sha256", "write 64 lower-case hex digits")
		} else if s.Before == "" || strings.Contains(s.Before, "://") {
			add(at+".before", "name a file with checkpoints from before the theft")
		}
	}
	if len(t.CRLs) > maxSigners || len(t.Stolen) > maxSigners {
		add("trust", "name at most %d CRLs and %d stolen keys", maxSigners, maxSigners)
	}
	if !slices.Contains([]string{"", "report", "refuse"}, t.Untied) {
		add("trust.untied", "%q is unknown; write report or refuse", t.Untied)
	}
}

func (k Key) check(field string, add problem) {
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

func (k Identity) check(field string, add problem) {
	if u, err := url.Parse(k.Issuer); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.Contains(k.Issuer, "*") {
		add(field+".issuer", "%q is not an http or https URL without a star", k.Issuer)
	}
	if reason := badPattern(k.Identity); reason != "" {
		add(field+".identity", "%s", reason)
	}
	for _, name := range slices.Sorted(maps.Keys(k.Claims)) {
		at := field + ".claims." + name
		if !slices.ContainsFunc(claims, func(c claim) bool { return c.name == name }) {
			add(at, "is not a claim of Fulcio's certificates; known are %s", strings.Join(claimNames(), ", "))
		} else if reason := badPattern(k.Claims[name]); reason != "" {
			add(at, "%s", reason)
		}
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

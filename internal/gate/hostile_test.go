package gate

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"

	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/testpki"
)

// TestVerify_DecoyEntry gives the entry of a closed log a second one beside it
// that names the open log and proves nothing: sigstore-go passes over it.
func TestVerify_DecoyEntry(t *testing.T) {
	s := newScene(t)
	s.closedKey = testpki.Key(t, elliptic.P256())
	s.write("trusted_root.json", s.trustedRoot())
	for _, kind := range []string{"key", "keyless"} {
		signature := s.byKey(s.appKey, app)
		if kind == "keyless" {
			signature = s.keyless(s.leaf(release(), time.Now().Add(-time.Minute)), app)
		}
		good, entry := s.whole(signature), s.entryIn(s.closedKey, signature)
		decoy := s.entryIn(s.closedKey, signature)
		decoy.LogId = &protocommon.LogId{KeyId: logID(t, s.rekorKey)}
		decoy.LogIndex, decoy.IntegratedTime = 7, time.Now().Unix()
		decoy.InclusionPromise = &protorekor.InclusionPromise{SignedEntryTimestamp: []byte("bogus")}
		s.write(kind+".json", s.bundle(signature, entry, s.stamp(signature.sig), decoy))
		s.refused(kind + ".log")
		s.write(kind+".json", s.bundle(signature, decoy, s.stamp(signature.sig), entry))
		s.refused(kind + ".log")
		s.write(kind+".json", good)
	}
	if _, err := s.verify("key.json", "keyless.json"); err != nil {
		t.Error(err)
	}
}

// template is the certificate of the release workflow, for a change.
func (s *scene) template(change func(*x509.Certificate)) {
	s.t.Helper()
	f := release()
	u, err := url.Parse(f.identity)
	if err != nil {
		s.t.Fatal(err)
	}
	c := &x509.Certificate{URIs: []*url.URL{u}, ExtraExtensions: []pkix.Extension{
		extension(1, f.issuer), extension(2, f.trigger), extension(4, f.name), extension(5, f.repository), extension(6, f.ref),
		s.text(8, f.issuer), s.text(12, "https://github.com/"+f.repository), s.text(14, f.ref), s.text(20, f.trigger),
	}}
	change(c)
	s.write("keyless.json", s.whole(s.keyless(s.certify(time.Now().Add(-time.Minute), c), app)))
}

// set replaces an extension.
func set(c *x509.Certificate, e pkix.Extension) {
	c.ExtraExtensions = slices.DeleteFunc(c.ExtraExtensions, func(old pkix.Extension) bool { return old.Id.Equal(e.Id) })
	if e.Value != nil {
		c.ExtraExtensions = append(c.ExtraExtensions, e)
	}
}

func TestVerify_CertificatesThatContradictThemselves(t *testing.T) {
	s := newScene(t)
	s.template(func(*x509.Certificate) {})
	if _, err := s.verify("key.json", "keyless.json"); err != nil {
		t.Fatal(err)
	}
	other, err := url.Parse("https://github.com/evil/app/.github/workflows/release.yml@refs/tags/v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*x509.Certificate)
		want   []string
	}{
		"the old issuer is another": {func(c *x509.Certificate) { set(c, extension(1, "https://evil.example.com")) }, []string{"keyless.claims"}},
		"the new issuer is another": {func(c *x509.Certificate) { set(c, s.text(8, "https://evil.example.com")) }, []string{"keyless.issuer", "keyless.claims"}},
		"a second URI":              {func(c *x509.Certificate) { c.URIs = append(c.URIs, other) }, []string{"keyless.identity"}},
		"a mail address beside":     {func(c *x509.Certificate) { c.EmailAddresses = []string{"evil@example.com"} }, []string{"keyless.identity"}},
		"a host name beside":        {func(c *x509.Certificate) { c.DNSNames = []string{"evil.example.com"} }, []string{"keyless.identity"}},
		"another host": {func(c *x509.Certificate) { set(c, s.text(12, "https://evil.example.com/example/app")) },
			[]string{"keyless.sourceRepositoryURI"}},
		"another old repository":  {func(c *x509.Certificate) { set(c, extension(5, "example/fork")) }, []string{"keyless.claims"}},
		"no repository with host": {func(c *x509.Certificate) { set(c, s.text(12, "")); set(c, extension(12, "\x0c\x00")) }, []string{"keyless.sourceRepositoryURI", "keyless.claims"}},
		"a newline in the ref": {func(c *x509.Certificate) {
			set(c, s.text(14, "refs/tags/v1\nevil"))
			set(c, extension(6, "refs/tags/v1\nevil"))
		}, []string{"keyless.sourceRepositoryRef", "keyless.claims"}},
		"another case":                  {func(c *x509.Certificate) { set(c, s.text(20, "Push")); set(c, extension(2, "Push")) }, []string{"keyless.buildTrigger"}},
		"two values in one extension":   {func(c *x509.Certificate) { set(c, extension(14, "\x0c\x01a\x0c\x01b")) }, []string{"keyless.sourceRepositoryRef", "keyless.claims"}},
		"old and new trigger differ":    {func(c *x509.Certificate) { set(c, extension(2, "schedule")) }, []string{"keyless.claims"}},
		"a tag in the old claim only":   {func(c *x509.Certificate) { set(c, s.text(14, "refs/heads/main")) }, []string{"keyless.sourceRepositoryRef", "keyless.claims"}},
		"the workflow's name is absent": {func(c *x509.Certificate) { set(c, pkix.Extension{Id: extension(4, "").Id}) }, []string{"keyless.githubWorkflowName"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := s
			s.t = t
			s.template(c.change)
			s.refused(c.want...)
		})
	}
}

// TestVerify_SecondSubjectOfEachForm gives the one subject of a person, a machine
// and a job a second of each form, which no Fulcio issues.
func TestVerify_SecondSubjectOfEachForm(t *testing.T) {
	s := newScene(t)
	uri := func(text string) *url.URL {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	for identity, first := range map[string]func(*x509.Certificate){
		"person@example.com":                func(c *x509.Certificate) { c.EmailAddresses = []string{"person@example.com"} },
		"spiffe://example.com/ci/release":   func(c *x509.Certificate) { c.URIs = []*url.URL{uri("spiffe://example.com/ci/release")} },
		"https://buildkite.com/example/app": func(c *x509.Certificate) { c.URIs = []*url.URL{uri("https://buildkite.com/example/app")} },
	} {
		s.with(func(p *Policy) {
			p.Keyless = []Identity{{Issuer: release().issuer, Identity: identity}}
		})
		sign := func(second func(*x509.Certificate)) {
			c := &x509.Certificate{ExtraExtensions: []pkix.Extension{s.text(8, release().issuer)}}
			first(c)
			second(c)
			s.write("keyless.json", s.whole(s.keyless(s.certify(time.Now().Add(-time.Minute), c), app)))
		}
		sign(func(*x509.Certificate) {})
		if _, err := s.verify("key.json", "keyless.json"); err != nil {
			t.Fatalf("%s alone: %v", identity, err)
		}
		for _, second := range []func(*x509.Certificate){
			func(c *x509.Certificate) { c.EmailAddresses = append(c.EmailAddresses, "evil@example.com") },
			func(c *x509.Certificate) { c.URIs = append(c.URIs, uri("spiffe://example.com/evil")) },
			func(c *x509.Certificate) { c.DNSNames = []string{"evil.example.com"} },
			func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)} },
			first, // the same once more, of the forms that are lists
		} {
			sign(func(c *x509.Certificate) {
				before := len(c.EmailAddresses) + len(c.URIs)
				emails, uris := c.EmailAddresses, c.URIs
				second(c)
				if len(c.EmailAddresses)+len(c.URIs)+len(c.DNSNames)+len(c.IPAddresses) == before {
					c.EmailAddresses, c.URIs = append(emails, c.EmailAddresses...), append(uris, c.URIs...)
				}
			})
			s.refused("keyless.identity")
		}
	}
}

// TestVerify_P384OverSHA256 holds that what older clients sign is admitted, as
// sigstore-go does, by key and with a certificate.
func TestVerify_P384OverSHA256(t *testing.T) {
	s := newScene(t)
	old := func(signature signed, key *ecdsa.PrivateKey) []byte {
		digest := sha256.Sum256(app)
		signature.digest, signature.sig = digest[:], s.signDigest(key, digest[:], crypto.SHA256)
		signature.hash = protocommon.HashAlgorithm_SHA2_384 // as an entry is rebuilt, by the key's curve
		entry := s.entry(signature)
		signature.hash = protocommon.HashAlgorithm_SHA2_256
		return s.bundle(signature, entry, s.stamp(signature.sig))
	}
	s.write("key.json", old(s.byKey(s.appKey, app), s.appKey))
	s.leafKey = testpki.Key(t, elliptic.P384())
	signature := s.keyless(s.leaf(release(), time.Now().Add(-time.Minute)), app)
	signature.verifier.KeyDetails = protocommon.PublicKeyDetails_PKIX_ECDSA_P384_SHA_384
	s.write("keyless.json", old(signature, s.leafKey))
	if _, err := s.verify("key.json", "keyless.json"); err != nil {
		t.Error(err)
	}
	s.write("key.json", old(s.byKey(s.appKey, app), s.otherAppKey))
	s.write("keyless.json", old(signature, s.otherAppKey))
	s.refused("key.signature", "keyless.signature")
}

func TestVerify_SignedInTheFuture(t *testing.T) {
	s := newScene(t)
	p, err := ReadPolicy(s.path("policy.json"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Open(t.Context(), p, time.Now().Add(-time.Hour)).Verify(t.Context(), Request{Artifact: Artifact{Name: s.path("app")},
		Bundles: []Bundle{{Path: s.path("key.json")}, {Path: s.path("keyless.json")}}})
	if err == nil || r.Accepted || !strings.Contains(err.Error(), "still to come by this host's clock") {
		t.Errorf("with the clock an hour behind: %v", err)
	}
}

// with changes the policy.
func (s *scene) with(change func(*Policy)) {
	s.t.Helper()
	p, err := ReadPolicy(s.path("policy.json"))
	if err != nil {
		s.t.Fatal(err)
	}
	change(p)
	s.policy(*p)
}

func TestVerify_Rules(t *testing.T) {
	s := newScene(t)
	s.write("other.json", s.whole(s.byKey(s.otherAppKey, app)))
	other, err := json.Marshal("unused")
	if err != nil {
		t.Fatal(err)
	}
	s.write("broken.json", other)
	s.with(func(p *Policy) { p.Rule = ruleAny })
	for _, given := range [][]string{{"key.json"}, {"keyless.json"}, {"other.json", "key.json"}, {"broken.json", "keyless.json"}} {
		if r, err := s.verify(given...); err != nil || !r.Accepted {
			t.Errorf("any, with %v: %v", given, err)
		}
	}
	s.refusedWith([]string{"other.json"}, "key.signature")
	s.refusedWith(nil, "bundle")
	second, err := pemOf(s.otherAppKey)
	if err != nil {
		t.Fatal(err)
	}
	s.with(func(p *Policy) {
		p.Rule, p.Counts = ruleCounts, &Counts{Keys: 2}
		p.Keys = append(p.Keys, Key{PEM: second})
	})
	if _, err := s.verify("key.json", "other.json"); err != nil {
		t.Errorf("two keys of two: %v", err)
	}
	s.refusedWith([]string{"key.json"}, "key.count")
	s.refusedWith([]string{"key.json", "key.json"}, "key.count")
}

func TestVerify_OwnAndPublic(t *testing.T) {
	s := newScene(t)
	all := func(side string) func(*Policy) {
		return func(p *Policy) {
			p.Trust.Own, p.Trust.Log, p.Trust.CT, p.Trust.Time = []string{"example.com"}, side, side, side
		}
	}
	s.with(all(own))
	if _, err := s.verify("key.json", "keyless.json"); err != nil {
		t.Errorf("own services only: %v", err)
	}
	s.with(all(public))
	if _, err := s.verify("key.json", "keyless.json"); err == nil {
		t.Error("own services count as public ones")
	}
	s.with(func(p *Policy) { all("")(p); p.Trust.Log = both })
	s.refused("key.log", "keyless.log")
	s.with(func(p *Policy) { all("")(p); p.Trust.CT = both })
	s.refused("keyless.sct")
	s.with(func(p *Policy) { all("")(p); p.Trust.Time = both })
	s.refused("key.timestamp", "keyless.timestamp")
	s.with(func(p *Policy) { all("")(p); p.Trust.Own = []string{"ple.com"}; p.Trust.Log = own })
	s.refused("key.log", "keyless.log")
}

func TestVerify_ByDigest(t *testing.T) {
	s := newScene(t)
	p, err := ReadPolicy(s.path("policy.json"))
	if err != nil {
		t.Fatal(err)
	}
	p.Rule = ruleAny
	sum := sha256.Sum256(app)
	for _, reference := range []string{"sha256:" + digest.Hex(app), "registry.example.com/app@sha256:" + digest.Hex(app)} {
		a, err := FromDigest(reference)
		if err != nil || !slices.Equal(a.SHA256, sum[:]) {
			t.Fatalf("%s: %v", reference, err)
		}
		if _, err := Open(t.Context(), p, time.Now()).Verify(t.Context(), Request{Artifact: a, Bundles: []Bundle{{Path: s.path("keyless.json")}}}); err != nil {
			t.Error(err)
		}
	}
	for _, wrong := range []string{"", "app", "registry.example.com/app:v1", "sha256:AB", "sha512:" + digest.Hex(app), "@sha256:" + digest.Hex(app)} {
		if _, err := FromDigest(wrong); err == nil {
			t.Errorf("%q is taken for a digest", wrong)
		}
	}
}

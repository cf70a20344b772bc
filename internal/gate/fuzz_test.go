package gate

import (
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// FuzzParsePolicy holds that a policy is either refused with a usage error or
// pins every claim: none is empty, and no pattern admits the empty rest.
func FuzzParsePolicy(f *testing.F) {
	f.Add([]byte(testPolicy))
	f.Add([]byte(strings.Replace(testPolicy, `"push"`, `"*"`, 1)))
	f.Add([]byte(`{"version":1,"trust":{"cache":"c"},"keys":[{"pem":"x"}],"rule":"any"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParsePolicy("p", data)
		if err != nil {
			if fault.ExitCode(err) != int(fault.Usage) {
				t.Fatalf("exit code %d: %v", fault.ExitCode(err), err)
			}
			return
		}
		if want := p.counts(); p.Rule != ruleAny && (len(p.Keys) < want.Keys || len(p.Keyless) < want.Keyless || want.Keys+want.Keyless < 1) {
			t.Fatalf("it asks for more signers than it names, or for none: %+v", p)
		}
		for _, k := range p.Keyless {
			if k.Issuer == "" || k.Identity == "" || matches(k.Identity, "") || matches(k.Identity, "https://evil.invalid/x") && !strings.HasPrefix(k.Identity, "https://evil.invalid/") {
				t.Fatalf("an identity admits too much: %q", k.Identity)
			}
		}
	})
}

// FuzzMatches holds that what a pattern admits is printable and begins and ends
// as the pattern does, and that a pattern without a star admits itself alone.
func FuzzMatches(f *testing.F) {
	f.Add("refs/tags/v*", "refs/tags/v1")
	f.Add("a.c", "abc")
	f.Add("x*", "x\n")
	f.Add("**@x", "a/b@x")
	f.Fuzz(func(t *testing.T, pattern, value string) {
		if !printable(pattern) || !matches(pattern, value) {
			return
		}
		begin, _, star := strings.Cut(pattern, "*")
		end := pattern[strings.LastIndexByte(pattern, '*')+1:]
		if !printable(value) || !star && value != pattern || !strings.HasPrefix(value, begin) || star && !strings.HasSuffix(value, end) {
			t.Fatalf("%q admits %q", pattern, value)
		}
	})
}

// FuzzParseEvidence holds that a bundle is either refused or is of one kind
// and states a digest to look for.
func FuzzParseEvidence(f *testing.F) {
	f.Add([]byte(`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"}`))
	f.Add([]byte(`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"x"}},` +
		`"messageSignature":{"messageDigest":{"algorithm":"SHA2_256","digest":"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="},"signature":"AA=="}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := parseEvidence(data)
		if err != nil {
			return
		}
		if e.kind != kindKey && e.kind != kindKeyless || len(e.stated) == 0 || e.algorithm() == "" {
			t.Fatalf("%+v", e)
		}
	})
}

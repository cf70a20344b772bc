package gate

import (
	"regexp"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// FuzzParsePolicy holds that a policy is either refused with a usage error or
// pins every claim: none is empty, and no pattern admits the empty rest.
func FuzzParsePolicy(f *testing.F) {
	f.Add([]byte(testPolicy))
	f.Add([]byte(strings.Replace(testPolicy, `"push"`, `"*"`, 1)))
	f.Add([]byte(`{"version":1,"trust":{"cache":"c"},"keys":[{"pem":"x"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParsePolicy("p", data)
		if err != nil {
			if fault.ExitCode(err) != int(fault.Usage) {
				t.Fatalf("exit code %d: %v", fault.ExitCode(err), err)
			}
			return
		}
		for _, c := range p.Keyless.claims() {
			prefix, open := strings.CutSuffix(c.want, "*")
			if prefix == "" || open && matches(c.want, prefix) {
				t.Fatalf("%s admits too much: %q", c.name, c.want)
			}
		}
	})
}

// FuzzMatches holds that a pattern and its regular expression, which
// sigstore-go compares by, say the same.
func FuzzMatches(f *testing.F) {
	f.Add("refs/tags/v*", "refs/tags/v1")
	f.Add("a.c", "abc")
	f.Add("x*", "x\n")
	f.Fuzz(func(t *testing.T, pattern, value string) {
		r, err := regexp.Compile(expression(pattern))
		if err != nil {
			return // not valid UTF-8; no policy holds such a pattern
		}
		if got := r.MatchString(value); got != matches(pattern, value) {
			t.Fatalf("%q and %q: the expression says %v", pattern, value, got)
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

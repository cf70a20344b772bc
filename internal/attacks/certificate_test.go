//go:build linux && cgo

package attacks

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	sigstore "github.com/linnemanlabs/trustroot/pki/trustedroot/world"
)

// A job of GitHub's, whom the rehearsed Fulcio certifies here.
const (
	jobIssuer   = "https://token.actions.example.com"
	jobIdentity = "https://github.com/example/app/.github/workflows/release.yml@refs/tags/v1.2.3"
	jobPolicy   = `"rule": "any", "keyless": [{"issuer": "` + jobIssuer + `", "identity": "https://github.com/example/app/.github/workflows/release.yml@refs/tags/v*",
		"claims": {"sourceRepositoryURI": "https://github.com/example/app", "sourceRepositoryRef": "refs/tags/v*", "buildTrigger": "push"}}]}`
)

// services are the rehearsal's, with the keys of the stand-in's state.
func (w *world) services() *sigstore.Services {
	w.Helper()
	var state struct {
		Keys map[string]struct{ PKCS8 []byte }
	}
	if err := json.Unmarshal(w.read("rehearsal/kms.json"), &state); err != nil {
		w.Fatal(err)
	}
	key := func(folder string) *ecdsa.PrivateKey {
		w.Helper()
		var evidence struct{ ARN string }
		if err := json.Unmarshal(w.read(folder+"/key.json"), &evidence); err != nil {
			w.Fatal(err)
		}
		made, err := x509.ParsePKCS8PrivateKey(state.Keys[evidence.ARN[strings.LastIndex(evidence.ARN, "/")+1:]].PKCS8)
		if err != nil {
			w.Fatal(err)
		}
		return made.(*ecdsa.PrivateKey)
	}
	certificate := func(folder string) *x509.Certificate {
		w.Helper()
		c, err := pki.ParseCertificate(w.read(folder + "/certificate.pem"))
		if err != nil {
			w.Fatal(err)
		}
		return c
	}
	l, err := ledger.Read(w.path("ledger.jsonl"))
	if err != nil {
		w.Fatal(err)
	}
	s := &sigstore.Services{CTKey: key("logs/tesseract/g1"), RekorKey: key("logs/rekor/g1")}
	s.Fulcio, s.FulcioKey = certificate("authorities/fulcio/g1"), key("authorities/fulcio/g1")
	s.TSA, s.TSAKey = certificate("authorities/tsa/g1"), key("authorities/tsa/g1")
	for _, e := range l.Entries() {
		if e.Log != nil && e.Log.Name == "rekor" {
			s.RekorOrigin = e.Log.Origin
		}
	}
	return s
}

// claim is one of Fulcio's extensions (its docs/oid-info.md): the first six are
// plain text, the others a DER string.
func claim(arc int, value string) pkix.Extension {
	e := pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, arc}, Value: []byte(value)}
	if arc > 6 {
		e.Value, _ = asn1.MarshalWithParams(value, "utf8") // a string is always encoded
	}
	return e
}

// by puts a file that the job signed into the empty folder, with its bundle and
// a policy for it. The services answer at a time from now on; change changes
// the certificate that Fulcio issues.
func by(from time.Duration, trust string, change func(c *x509.Certificate)) func(*world) {
	return func(w *world) {
		w.Helper()
		key := testpki.Key(w, elliptic.P256())
		bundle, err := w.services().Sign(sigstore.Signature{Artifact: []byte("app\n"), Identity: jobIdentity, Issuer: jobIssuer, Key: key, At: time.Now().Add(from),
			Change: func(c *x509.Certificate) {
				c.ExtraExtensions = append(c.ExtraExtensions, claim(12, "https://github.com/example/app"), claim(14, "refs/tags/v1.2.3"), claim(20, "push"))
				change(c)
			}})
		if err != nil {
			w.Fatal(err)
		}
		for name, data := range map[string]string{
			"artifact": "app\n", "artifact.sigstore.json": string(bundle), "policy.json": strings.ReplaceAll(`{"version": 2, "trust": `+trust+`, `+jobPolicy, "{dir}", w.dir),
		} {
			if err := os.WriteFile(filepath.Join(w.tmp, name), []byte(data), 0o644); err != nil {
				w.Fatal(err)
			}
		}
	}
}

const (
	trustedFile   = `{"file": "{dir}/` + servedRoot + `"}`
	trustedMirror = `{"repository": "{dir}/tuf", "root": "{dir}/tuf/1.root.json"}`
)

// gateRows asks both programs with a gate.
func gateRows(name string, code int, words []string, do func(*world)) (rows []row) {
	for _, program := range []string{"trustroot", "trustroot-verify"} {
		rows = append(rows, row{name: name + ", " + program, program: program, do: do, code: code, words: words, never: raw,
			args: []string{"verify", "{tmp}/artifact", "--policy", "{tmp}/policy.json"}})
	}
	return rows
}

// TestGate_CertificateContradictsItself has Fulcio's own key issue certificates
// that say two things: whoever reads the other one sees another signer.
func TestGate_CertificateContradictsItself(t *testing.T) {
	const evil = "https://evil.example.com"
	// says replaces or adds claims.
	says := func(more ...pkix.Extension) func(*x509.Certificate) {
		return func(c *x509.Certificate) {
			for _, e := range more {
				at := -1
				for i := range c.ExtraExtensions {
					if c.ExtraExtensions[i].Id.Equal(e.Id) {
						at = i
					}
				}
				if at < 0 {
					c.ExtraExtensions = append(c.ExtraExtensions, e)
				} else {
					c.ExtraExtensions[at] = e
				}
			}
		}
	}
	other := func(text string) *url.URL {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	const contradicts = "the certificate contradicts itself: "
	var rows []row
	add := func(name string, code int, change func(*x509.Certificate), words ...string) {
		rows = append(rows, gateRows(name, code, words, by(0, trustedFile, change))...)
	}
	add("as Fulcio issues it", 0, says())
	add("the old issuer beside it, the same", 0, says(claim(1, jobIssuer)))
	add("the old issuer evil, the new one good", 5, says(claim(1, evil)), contradicts, `issuer says \"`+evil+`\"`, jobIssuer)
	add("the old issuer good, the new one evil", 5, says(claim(1, jobIssuer), claim(8, evil)), contradicts, `issuerV2 says \"`+evil+`\"`)
	add("a second URI", 5, func(c *x509.Certificate) { c.URIs = append(c.URIs, other(evil)) }, "has 2 subject alternative names, and must have one")
	add("a second URI, first", 5, func(c *x509.Certificate) { c.URIs = append([]*url.URL{other(evil)}, c.URIs...) }, "has 2 subject alternative names")
	add("a mail address beside", 5, func(c *x509.Certificate) { c.EmailAddresses = []string{"evil@example.com"} }, "has 2 subject alternative names")
	add("a host name beside", 5, func(c *x509.Certificate) { c.DNSNames = []string{"evil.example.com"} }, "has 2 subject alternative names")
	add("no name", 5, func(c *x509.Certificate) { c.URIs = nil }, "has 0 subject alternative names")
	add("the repository on another host, no old claim", 5, says(claim(12, evil+"/example/app")), "sourceRepositoryURI", "the certificate says another one")
	add("another old repository", 5, says(claim(5, "evil/app")), contradicts, "githubWorkflowRepository says")
	add("another old ref", 5, says(claim(6, "refs/heads/main")), contradicts, "githubWorkflowRef says")
	add("another old trigger", 5, says(claim(2, "schedule")), contradicts, "githubWorkflowTrigger says")
	add("a newline after the ref", 5, says(claim(14, "refs/tags/v1\nevil")), "sourceRepositoryRef", "has characters that cannot be printed")
	add("a ref that drives the screen", 5, says(claim(14, "refs/tags/v1"+hostile)), "sourceRepositoryRef", "has characters that cannot be printed")
	add("a slash that the pattern's star does not span", 5, says(claim(14, "refs/tags/v1/evil")), "sourceRepositoryRef")
	play(t, rows)
}

// TestGate_SignedTimeInTheFuture signs at times ahead of this host's clock,
// which is what a clock that was set back sees: metadata and certificates that
// expired since would be current again.
func TestGate_SignedTimeInTheFuture(t *testing.T) {
	whole := func(*x509.Certificate) {}
	const ahead = "which is still to come by this host's clock"
	var rows []row
	for _, c := range []struct {
		name  string
		from  time.Duration
		code  int
		words []string
	}{
		{"now", 0, 0, nil},
		{"two minutes ahead, as clocks differ", 2 * time.Minute, 0, nil},
		{"seven minutes ahead", 7 * time.Minute, 5, []string{ahead, "set the clock, or find out who runs ahead"}},
		{"an hour ahead", time.Hour, 5, []string{ahead}},
		{"past the end of the timestamp role", 8 * 24 * time.Hour, 5, []string{ahead}},
		{"past the end of the authority", 40 * 365 * 24 * time.Hour, 5, nil},
	} {
		rows = append(rows, gateRows(c.name, c.code, c.words, by(c.from, trustedFile, whole))...)
		rows = append(rows, gateRows(c.name+", by the mirror", c.code, c.words, by(c.from, trustedMirror, whole))...)
	}
	play(t, rows)
}

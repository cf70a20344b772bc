package trustedroot

import (
	"crypto"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"maps"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/needs"
	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki/finding"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/pki/trustedroot/judge"
)

// sha384Of signs SHA-384 where Rekor v1 signs SHA-256.
type sha384Of struct{ crypto.Signer }

// Shapes of published files that no file of the test world has, put to the real
// clients: what findings say of them was seen.
func TestClients_ShapesOfPublishedFiles(t *testing.T) {
	needs.Time(t)
	own := newWorld(t, 1)
	public, services := publicShape(t)
	samples, want := map[string]sample{}, map[string]map[string]finding.Effect{}
	add := func(name string, change func(object) (judge.Bundle, map[string]finding.Effect)) {
		var doc object
		if err := json.Unmarshal(public, &doc); err != nil {
			t.Fatal(err)
		}
		b, effects := change(doc)
		data, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		samples[name], want[name] = sample{data, []judge.Bundle{b}}, effects
	}

	// a Rekor v1 log with a P-384 key: cosign and sigstore-go take SHA-256 for
	// the promise and SHA-384 for the checkpoint, sigstore-js SHA-256 for both
	key := testpki.FixedKey(t, elliptic.P384(), "public rekor p384")
	for name, signer := range map[string]crypto.Signer{"v1 p384 sha256": key, "v1 p384 sha384": sha384Of{key}} {
		js := Rejects
		if signer == crypto.Signer(key) {
			js = Accepts
		}
		add(name, func(doc object) (judge.Bundle, map[string]finding.Effect) {
			log, der := doc.at("tlogs", 0), testpki.SPKI(t, key.Public())
			id := sha256.Sum256(der)
			log.in("publicKey")["rawBytes"], log.in("publicKey")["keyDetails"] = b64(der), "PKIX_ECDSA_P384_SHA_384"
			log.in("logId")["keyId"] = b64(id[:])
			return own.signV1(t, name, services, signer, before), map[string]finding.Effect{SigstoreGo: Rejects, Cosign: Rejects, SigstoreJS: js}
		})
	}

	// a Fulcio CA alone, under an issuer of its own name and another key
	w := &world{plan: &plan.Plan{Organization: "sigstore.dev"}}
	day := func(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }
	root := w.certify(t, "one name", testpki.FixedKey(t, elliptic.P384(), "one root"), nil, day(2021), day(2031), rootTemplate())
	fulcio := w.certify(t, "one name", testpki.FixedKey(t, elliptic.P384(), "one fulcio"), &root, day(2022), day(2031), fulcioTemplate())
	of := *services
	of.Fulcio, of.FulcioKey = fulcio.cert, fulcio.key
	for name, chain := range map[string][]*x509.Certificate{"issuer of its own name left out": {fulcio.cert}, "issuer of its own name": fulcio.chain} {
		js := Accepts
		if len(chain) == 1 {
			js = Rejects
		}
		add(name, func(doc object) (judge.Bundle, map[string]finding.Effect) {
			var certs []any
			for _, c := range chain {
				certs = append(certs, object{"rawBytes": b64(c.Raw)})
			}
			doc.at("certificateAuthorities", 1)["certChain"] = object{"certificates": certs}
			return own.signBy(t, name, &of, before), map[string]finding.Effect{SigstoreGo: Accepts, Cosign: Accepts, SigstoreJS: js}
		})
	}

	said := map[string]map[string]verdict{SigstoreGo: {}, SigstoreJS: askJS(t, samples), Cosign: askCosign(t, own, samples)}
	for name, s := range samples {
		said[SigstoreGo][name] = askGo(t, s.data, s.bundles)
	}
	for client, verdicts := range maps.All(said) {
		if verdicts == nil {
			t.Logf("%s is not installed: scripts/clients-conformance asks it", client)
			continue
		}
		for name, v := range verdicts {
			if v.effect != want[name][client] {
				t.Errorf("%s: %s %s (%s), not %s", name, client, v.effect, v.why, want[name][client])
			}
		}
	}
}

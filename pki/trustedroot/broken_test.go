package trustedroot

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/testpki"
)

// broken is a trusted root with one defect. It is made from a good one of two
// generations by exactly one of world, doc and raw; world may go with doc where
// the keys or certificates behind a file change too.
type broken struct {
	name  string
	world func(t *testing.T, w *world)
	doc   func(t *testing.T, w *world, doc object)
	raw   func(data []byte) []byte
	at    time.Time // LintOptions.At
	id    string    // of the finding expected
	path  string
}

// object is a JSON object that tests change.
type object map[string]any

func (o object) list(name string) []any { return o[name].([]any) }
func (o object) at(name string, i int) object {
	return object(o.list(name)[i].(map[string]any))
}
func (o object) in(names ...string) object {
	for _, name := range names {
		o = object(o[name].(map[string]any))
	}
	return o
}

func certificates(o object) []any { return o.in("certChain")["certificates"].([]any) }

func b64(data []byte) string { return base64.StdEncoding.EncodeToString(data) }

// swapKey puts another key under a Rekor log, into the file and behind it.
func swapKey(t *testing.T, w *world, doc object, key crypto.Signer, details string, id []byte) {
	t.Helper()
	w.rekor[0] = key
	log := doc.at("tlogs", 0)
	der := testpki.SPKI(t, key.Public())
	if id == nil {
		sum := sha256.Sum256(der)
		id = sum[:]
	}
	log.in("publicKey")["rawBytes"], log.in("publicKey")["keyDetails"] = b64(der), details
	log.in("logId")["keyId"] = b64(id)
}

func brokenShapes() []broken {
	return []broken{
		{name: "cut off in the middle", raw: func(d []byte) []byte { return d[:len(d)/2] }, id: "json-syntax", path: "$"},
		{name: "something behind the end", raw: func(d []byte) []byte { return append(d, "{}"...) }, id: "json-syntax", path: "$"},
		{name: "not UTF-8", raw: func(d []byte) []byte { return bytes.Replace(d, []byte("Root CA"), []byte("Root \xff"), 1) }, id: "json-syntax", path: "$"},
		{name: "nested for ever", raw: func([]byte) []byte { return bytes.Repeat([]byte("["), 5000) }, id: "json-syntax", path: "$"},
		{name: "field twice", raw: func(d []byte) []byte {
			return bytes.Replace(d, []byte(`"baseUrl"`), []byte(`"baseUrl": "https://other.example.org", "baseUrl"`), 1)
		}, id: "duplicate-field", path: "$.tlogs[0].baseUrl"},
		{name: "validFor on the log, not the key", doc: func(_ *testing.T, _ *world, d object) {
			log := d.at("tlogs", 0)
			log["validFor"] = log.in("publicKey")["validFor"]
			delete(log.in("publicKey"), "validFor")
		}, id: "unknown-field", path: "$.tlogs[0].validFor"},
		{name: "unknown field on top", doc: func(_ *testing.T, _ *world, d object) { d["version"] = 1 }, id: "unknown-field", path: "$.version"},
		{name: "snake_case field", raw: func(d []byte) []byte { return bytes.Replace(d, []byte(`"mediaType"`), []byte(`"media_type"`), 1) }, id: "field-name", path: "$.media_type"},
		{name: "media type of version 0.2", doc: func(_ *testing.T, _ *world, d object) {
			d["mediaType"] = "application/vnd.dev.sigstore.trustedroot.v0.2+json"
		}, id: "media-type", path: "$.mediaType"},
		{name: "no media type", doc: func(_ *testing.T, _ *world, d object) { delete(d, "mediaType") }, id: "media-type", path: "$.mediaType"},
		{name: "key not in base64", doc: func(_ *testing.T, _ *world, d object) { d.at("tlogs", 0).in("publicKey")["rawBytes"] = "no base64!" }, id: "wrong-type", path: "$.tlogs[0].publicKey.rawBytes"},
		{name: "start without a zone", doc: func(_ *testing.T, _ *world, d object) {
			d.at("tlogs", 0).in("publicKey", "validFor")["start"] = "2026-01-01 12:00"
		}, id: "wrong-type", path: "$.tlogs[0].publicKey.validFor.start"},
		{name: "hash algorithm misspelt", doc: func(_ *testing.T, _ *world, d object) { d.at("ctlogs", 0)["hashAlgorithm"] = "SHA256" }, id: "wrong-type", path: "$.ctlogs[0].hashAlgorithm"},
		{name: "list written as object", doc: func(_ *testing.T, _ *world, d object) { d["tlogs"] = map[string]any{} }, id: "wrong-type", path: "$.tlogs"},
	}
}

func brokenLogs() []broken {
	return []broken{
		{name: "no hash algorithm", doc: func(_ *testing.T, _ *world, d object) { delete(d.at("tlogs", 0), "hashAlgorithm") }, id: "hash-algorithm", path: "$.tlogs[0].hashAlgorithm"},
		{name: "SHA-512 tree", doc: func(_ *testing.T, _ *world, d object) { d.at("ctlogs", 1)["hashAlgorithm"] = "SHA2_512" }, id: "hash-algorithm", path: "$.ctlogs[1].hashAlgorithm"},
		{name: "no log ID", doc: func(_ *testing.T, _ *world, d object) { delete(d.at("tlogs", 0), "logId") }, id: "log-id-missing", path: "$.tlogs[0].logId"},
		{name: "no public key", doc: func(_ *testing.T, _ *world, d object) { delete(d.at("tlogs", 0), "publicKey") }, id: "public-key-missing", path: "$.tlogs[0].publicKey"},
		{name: "key is not a key", doc: func(_ *testing.T, _ *world, d object) {
			d.at("tlogs", 0).in("publicKey")["rawBytes"] = b64([]byte("no key"))
		}, id: "public-key-undecodable", path: "$.tlogs[0].publicKey.rawBytes"},
		{name: "P-256 key labelled P-384", doc: func(_ *testing.T, _ *world, d object) {
			d.at("tlogs", 0).in("publicKey")["keyDetails"] = "PKIX_ECDSA_P384_SHA_384"
		}, id: "key-details", path: "$.tlogs[0].publicKey.keyDetails"},
		{name: "P-256 key labelled RSA", doc: func(_ *testing.T, _ *world, d object) {
			d.at("tlogs", 0).in("publicKey")["keyDetails"] = "PKIX_RSA_PKCS1V15_2048_SHA256"
		}, id: "key-details", path: "$.tlogs[0].publicKey.keyDetails"},
		{name: "no keyDetails", doc: func(_ *testing.T, _ *world, d object) { delete(d.at("tlogs", 0).in("publicKey"), "keyDetails") }, id: "key-details", path: "$.tlogs[0].publicKey.keyDetails"},
		{name: "P-384 checkpoint key", doc: func(t *testing.T, w *world, d object) {
			t.Helper()
			swapKey(t, w, d, testpki.FixedKey(t, elliptic.P384(), "p384").PrivateKey, "PKIX_ECDSA_P384_SHA_384", nil)
		}, id: "key-type", path: "$.tlogs[0].publicKey"},
		{name: "RSA checkpoint key", doc: func(t *testing.T, w *world, d object) {
			t.Helper()
			key := testpki.RSA(t)
			sum := sha256.New()
			sum.Write([]byte("rekor.example.org\n\xffPKIX-RSA-PKCS#1v1.5"))
			sum.Write(testpki.SPKI(t, key.Public()))
			swapKey(t, w, d, key, "PKIX_RSA_PKCS1V15_2048_SHA256", sum.Sum(nil))
		}, id: "key-type", path: "$.tlogs[0].publicKey"},
		{name: "Ed25519 checkpoint key", doc: func(t *testing.T, w *world, d object) {
			t.Helper()
			key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
			id := sha256.Sum256(append([]byte("rekor.example.org\n\x01"), key.Public().(ed25519.PublicKey)...))
			swapKey(t, w, d, key, "PKIX_ED25519", id[:])
		}, id: "key-type", path: "$.tlogs[0].publicKey"},
		{name: "Ed25519 log under the SHA-256 of its DER", doc: func(t *testing.T, w *world, d object) {
			t.Helper()
			swapKey(t, w, d, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize)), "PKIX_ED25519", nil)
		}, id: "key-id", path: "$.tlogs[0].logId.keyId"},
		{name: "key ID of four bytes", doc: func(_ *testing.T, _ *world, d object) {
			d.at("tlogs", 0).in("logId")["keyId"] = b64([]byte{1, 2, 3, 4})
		}, id: "key-id", path: "$.tlogs[0].logId.keyId"},
		{name: "CT log ID by its note's rule", doc: func(_ *testing.T, _ *world, d object) {
			sum := sha256.Sum256([]byte("another rule"))
			d.at("ctlogs", 0).in("logId")["keyId"] = b64(sum[:])
		}, id: "key-id", path: "$.ctlogs[0].logId.keyId"},
		{name: "Rekor and CT log with one key", doc: func(_ *testing.T, _ *world, d object) {
			twin := map[string]any{}
			for k, v := range d.at("tlogs", 0) {
				twin[k] = v
			}
			twin["baseUrl"] = "https://ct.example.org/twin"
			d["ctlogs"] = append([]any{twin}, d.list("ctlogs")...)
		}, id: "duplicate-key", path: "$.ctlogs[0]"},
		{name: "log twice", doc: func(_ *testing.T, _ *world, d object) {
			d["tlogs"] = append([]any{d.list("tlogs")[0]}, d.list("tlogs")...)
		}, id: "duplicate-key", path: "$.tlogs[1]"},
		{name: "log without window", doc: func(_ *testing.T, _ *world, d object) { delete(d.at("ctlogs", 0).in("publicKey"), "validFor") }, id: "log-window-missing", path: "$.ctlogs[0].publicKey.validFor"},
		{name: "log without start", doc: func(_ *testing.T, _ *world, d object) {
			delete(d.at("tlogs", 0).in("publicKey", "validFor"), "start")
		}, id: "log-window-missing", path: "$.tlogs[0].publicKey.validFor"},
		{name: "Rekor window backwards", doc: func(_ *testing.T, _ *world, d object) {
			d.at("tlogs", 0).in("publicKey", "validFor")["end"] = "2025-01-01T00:00:00Z"
		}, id: "window-backwards", path: "$.tlogs[0].publicKey.validFor"},
		{name: "CT window backwards", doc: func(_ *testing.T, _ *world, d object) {
			d.at("ctlogs", 0).in("publicKey", "validFor")["end"] = "2025-01-01T00:00:00Z"
		}, id: "window-backwards", path: "$.ctlogs[0].publicKey.validFor"},
		{name: "Rekor URL without scheme", doc: func(_ *testing.T, _ *world, d object) { d.at("tlogs", 0)["baseUrl"] = "rekor.example.org" }, id: "base-url", path: "$.tlogs[0].baseUrl"},
		{name: "no Rekor URL", doc: func(_ *testing.T, _ *world, d object) { delete(d.at("tlogs", 0), "baseUrl") }, id: "base-url", path: "$.tlogs[0].baseUrl"},
		{name: "Rekor URL with a port and path", doc: func(_ *testing.T, _ *world, d object) {
			d.at("tlogs", 0)["baseUrl"] = "https://rekor.example.org:3000/2026"
		}, id: "url-form", path: "$.tlogs[0].baseUrl"},
		{name: "Rekor URL with a slash", doc: func(_ *testing.T, _ *world, d object) { d.at("tlogs", 0)["baseUrl"] = "https://rekor.example.org/" }, id: "url-form", path: "$.tlogs[0].baseUrl"},
		{name: "operator on a log", doc: func(_ *testing.T, _ *world, d object) { d.at("tlogs", 0)["operator"] = "example.org" }, id: "v02-field", path: "$.tlogs[0].operator"},
		{name: "checkpointKeyId of four bytes", doc: func(_ *testing.T, _ *world, d object) {
			d.at("tlogs", 0)["checkpointKeyId"] = map[string]any{"keyId": b64([]byte{1, 2, 3, 4})}
		}, id: "v02-field", path: "$.tlogs[0].checkpointKeyId"},
		{name: "Rekor window with a gap", doc: func(_ *testing.T, _ *world, d object) {
			d.at("tlogs", 0).in("publicKey", "validFor")["end"] = stamp(dayTwo.Add(-time.Hour))
		}, id: "gap", path: "$.tlogs[1].publicKey.validFor.start"},
		{name: "Rekor closed at the new start", doc: func(_ *testing.T, _ *world, d object) {
			d.at("tlogs", 0).in("publicKey", "validFor")["end"] = stamp(dayTwo)
		}, id: "closed-at-successor-start", path: "$.tlogs[0].publicKey.validFor.end"},
		{name: "CT log closed at the new start", doc: func(_ *testing.T, _ *world, d object) {
			d.at("ctlogs", 0).in("publicKey", "validFor")["end"] = stamp(dayTwo)
		}, id: "closed-at-successor-start", path: "$.ctlogs[0].publicKey.validFor.end"},
		{name: "no Rekor log", doc: func(_ *testing.T, _ *world, d object) { d["tlogs"] = []any{} }, id: "role-empty", path: "$.tlogs"},
		{name: "no CT log", doc: func(_ *testing.T, _ *world, d object) { delete(d, "ctlogs") }, id: "role-empty", path: "$.ctlogs"},
		{name: "CT log of the public instance", doc: func(_ *testing.T, _ *world, d object) {
			d.at("ctlogs", 0)["baseUrl"] = "https://ctfe.sigstore.dev/2022"
		}, id: "public-leftover", path: "$.ctlogs[0]"},
		{name: "newest log first", doc: func(_ *testing.T, _ *world, d object) {
			logs := d.list("tlogs")
			logs[0], logs[1] = logs[1], logs[0]
		}, id: "order", path: "$.tlogs[1]"},
		{name: "nothing valid yet", doc: func(*testing.T, *world, object) {}, at: dayOne.AddDate(-1, 0, 0), id: "nothing-current", path: "$.tlogs"},
	}
}

func brokenChains() []broken {
	const cas, tsas = "certificateAuthorities", "timestampAuthorities"
	reverse := func(list string) func(*testing.T, *world, object) {
		return func(_ *testing.T, _ *world, d object) {
			certs := certificates(d.at(list, 0))
			certs[0], certs[1] = certs[1], certs[0]
		}
	}
	withoutRoot := func(list string) func(*testing.T, *world, object) {
		return func(_ *testing.T, _ *world, d object) {
			d.at(list, 0).in("certChain")["certificates"] = certificates(d.at(list, 0))[:1]
		}
	}
	return []broken{
		{name: "CA without chain", doc: func(_ *testing.T, _ *world, d object) { delete(d.at(cas, 0), "certChain") }, id: "chain-missing", path: "$." + cas + "[0].certChain"},
		{name: "TSA with an empty chain", doc: func(_ *testing.T, _ *world, d object) {
			d.at(tsas, 0).in("certChain")["certificates"] = []any{}
		}, id: "chain-missing", path: "$." + tsas + "[0].certChain"},
		{name: "PEM in rawBytes", doc: func(_ *testing.T, w *world, d object) {
			certificates(d.at(cas, 0))[0] = map[string]any{"rawBytes": b64(certsPEM(w.fulcio[0].cert))}
		}, id: "certificate-undecodable", path: "$." + cas + "[0].certChain.certificates[0].rawBytes"},
		{name: "Fulcio chain reversed", doc: reverse(cas), id: "chain-order", path: "$." + cas + "[0].certChain"},
		{name: "TSA chain reversed", doc: reverse(tsas), id: "chain-order", path: "$." + tsas + "[0].certChain"},
		{name: "Fulcio chain without root", doc: withoutRoot(cas), id: "chain-incomplete", path: "$." + cas + "[0].certChain"},
		{name: "TSA chain without root", doc: withoutRoot(tsas), id: "chain-incomplete", path: "$." + tsas + "[0].certChain"},
		{name: "Fulcio chain with a foreign root", doc: func(t *testing.T, _ *world, d object) {
			t.Helper()
			other := newWorldOf(t, "example.com", 1)
			certificates(d.at(cas, 0))[1] = map[string]any{"rawBytes": b64(other.root.cert.Raw)}
		}, id: "chain-broken", path: "$." + cas + "[0].certChain"},
		{name: "Fulcio chain with another certificate in it", doc: func(_ *testing.T, w *world, d object) {
			certs := certificates(d.at(cas, 0))
			stray := map[string]any{"rawBytes": b64(w.tsa[0].cert.Raw)}
			d.at(cas, 0).in("certChain")["certificates"] = []any{certs[0], stray, certs[1]}
		}, id: "chain-extra", path: "$." + cas + "[0].certChain"},
		{name: "CA without window", doc: func(_ *testing.T, _ *world, d object) { delete(d.at(cas, 0), "validFor") }, id: "authority-window-missing", path: "$." + cas + "[0].validFor"},
		{name: "TSA without window", doc: func(_ *testing.T, _ *world, d object) { delete(d.at(tsas, 0), "validFor") }, id: "authority-window-missing", path: "$." + tsas + "[0].validFor"},
		{name: "CA window longer than its certificate", doc: func(_ *testing.T, w *world, d object) {
			d.at(cas, 1).in("validFor")["end"] = stamp(w.fulcio[1].cert.NotAfter.Add(time.Second))
		}, id: "window-outside-certificate", path: "$." + cas + "[1].validFor.end"},
		{name: "CA window that opens when its certificate has ended", doc: func(_ *testing.T, w *world, d object) {
			d.at(cas, 1)["validFor"] = map[string]any{"start": stamp(w.fulcio[1].cert.NotAfter.Add(time.Second))}
		}, id: "window-after-certificate", path: "$." + cas + "[1].validFor.start"},
		{name: "TSA window before its certificate", doc: func(_ *testing.T, w *world, d object) {
			d.at(tsas, 0).in("validFor")["start"] = stamp(w.tsa[0].cert.NotBefore.Add(-time.Second))
		}, id: "window-outside-certificate", path: "$." + tsas + "[0].validFor.start"},
		{name: "CA window backwards", doc: func(_ *testing.T, _ *world, d object) {
			d.at(cas, 0).in("validFor")["end"] = "2025-01-01T00:00:00Z"
		}, id: "window-backwards", path: "$." + cas + "[0].validFor"},
		{name: "subject of the intermediate", doc: func(_ *testing.T, _ *world, d object) { d.at(cas, 0).in("subject")["commonName"] = "Fulcio CA" }, id: "subject", path: "$." + cas + "[0].subject"},
		{name: "CA twice", doc: func(_ *testing.T, _ *world, d object) {
			d[cas] = append([]any{d.list(cas)[0]}, d.list(cas)...)
		}, id: "duplicate-authority", path: "$." + cas + "[1]"},
		{name: "CA URI without scheme", doc: func(_ *testing.T, _ *world, d object) { d.at(cas, 0)["uri"] = "fulcio.example.org" }, id: "uri", path: "$." + cas + "[0].uri"},
		{name: "CA windows with a gap", doc: func(_ *testing.T, _ *world, d object) {
			d.at(cas, 0).in("validFor")["end"] = stamp(dayTwo.Add(-time.Hour))
		}, id: "gap", path: "$." + cas + "[1].validFor.start"},
		{name: "old CA closed at the new certificate's notBefore", doc: func(_ *testing.T, _ *world, d object) {
			d.at(cas, 0).in("validFor")["end"] = stamp(dayTwo)
		}, id: "closed-at-successor-start", path: "$." + cas + "[0].validFor.end"},
		{name: "old TSA closed at the new certificate's notBefore", doc: func(_ *testing.T, _ *world, d object) {
			d.at(tsas, 0).in("validFor")["end"] = stamp(dayTwo)
		}, id: "closed-at-successor-start", path: "$." + tsas + "[0].validFor.end"},
		{name: "no CA", doc: func(_ *testing.T, _ *world, d object) { d[cas] = []any{} }, id: "role-empty", path: "$." + cas},
		{name: "no TSA", doc: func(_ *testing.T, _ *world, d object) { delete(d, tsas) }, id: "no-tsa", path: "$." + tsas},
		{name: "TSA leaf left out", doc: func(_ *testing.T, _ *world, d object) {
			d.at(tsas, 0).in("certChain")["certificates"] = certificates(d.at(tsas, 0))[1:]
		}, id: "tsa-leaf-missing", path: "$." + tsas + "[0].certChain.certificates[0]"},
	}
}

func brokenProfiles() []broken {
	const first = "$.certificateAuthorities[0].certChain.certificates"
	const firstTSA = "$.timestampAuthorities[0].certChain.certificates"
	fulcio := func(change func(t *testing.T, c *x509.Certificate)) func(*testing.T, *world) {
		return func(t *testing.T, w *world) {
			t.Helper()
			c := fulcioTemplate()
			change(t, c)
			w.reissue(t, "fulcio", 1, c)
		}
	}
	root := func(change func(c *x509.Certificate)) func(*testing.T, *world) {
		return func(t *testing.T, w *world) {
			t.Helper()
			c := rootTemplate()
			change(c)
			w.reroot(t, c)
		}
	}
	return []broken{
		{name: "Fulcio CA with a critical EKU", world: fulcio(func(t *testing.T, c *x509.Certificate) {
			t.Helper()
			c.ExtKeyUsage, c.ExtraExtensions = nil, []pkix.Extension{testpki.Purpose(t, oidCodeSigning)}
		}), id: "fulcio-eku-critical", path: first + "[0]"},
		{name: "Fulcio CA without EKU", world: fulcio(func(_ *testing.T, c *x509.Certificate) { c.ExtKeyUsage = nil }), id: "fulcio-eku-missing", path: first + "[0]"},
		{name: "Fulcio CA for any usage", world: fulcio(func(_ *testing.T, c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny}
		}), id: "fulcio-eku", path: first + "[0]"},
		{name: "Fulcio CA for servers", world: fulcio(func(_ *testing.T, c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		}), id: "fulcio-eku", path: first + "[0]"},
		{name: "Fulcio certificate is not a CA", world: fulcio(func(_ *testing.T, c *x509.Certificate) {
			c.IsCA, c.MaxPathLenZero, c.KeyUsage = false, false, x509.KeyUsageDigitalSignature
		}), id: "fulcio-not-ca", path: first + "[0]"},
		{name: "Fulcio CA that may not sign certificates", world: fulcio(func(_ *testing.T, c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature }), id: "key-usage", path: first + "[0]"},
		{name: "name constraint with a leading dot", world: fulcio(func(_ *testing.T, c *x509.Certificate) {
			c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{".example.org"}
		}), id: "name-constraints", path: first + "[0]"},
		{name: "basic constraints not critical", world: fulcio(func(t *testing.T, c *x509.Certificate) {
			t.Helper()
			value, err := asn1.Marshal(struct {
				CA      bool
				PathLen int
			}{true, 0})
			if err != nil {
				t.Fatal(err)
			}
			c.ExtraExtensions = []pkix.Extension{{Id: extBasicConstraints, Value: value}}
		}), id: "basic-constraints", path: first + "[0]"},
		{name: "root with path length 0", world: root(func(c *x509.Certificate) { c.MaxPathLenZero = true }), id: "path-length", path: first + "[1]"},
		{name: "root with EKU", world: root(func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning, x509.ExtKeyUsageTimeStamping}
		}), id: "root-eku", path: first + "[1]"},
		{name: "TSA certificate with two usages", world: func(t *testing.T, w *world) {
			t.Helper()
			c := tsaTemplate(t)
			c.ExtraExtensions = []pkix.Extension{testpki.Purpose(t, testpki.TimeStamping, oidCodeSigning)}
			w.reissue(t, "tsa", 1, c)
		}, id: "tsa-eku", path: firstTSA + "[0]"},
		{name: "TSA certificate with a non-critical EKU", world: func(t *testing.T, w *world) {
			t.Helper()
			w.reissue(t, "tsa", 1, &x509.Certificate{KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}})
		}, id: "tsa-eku-not-critical", path: firstTSA + "[0]"},
		{name: "TSA certificate that may not sign", world: func(t *testing.T, w *world) {
			t.Helper()
			c := tsaTemplate(t)
			c.KeyUsage = x509.KeyUsageKeyAgreement
			w.reissue(t, "tsa", 1, c)
		}, id: "key-usage", path: firstTSA + "[0]"},
		{name: "Fulcio CA without common name", world: func(t *testing.T, w *world) {
			t.Helper()
			a := w.plan.Authorities["fulcio"]
			a.Subject.CommonName = ""
			w.plan.Authorities["fulcio"] = a
			w.reissue(t, "fulcio", 1, fulcioTemplate())
		}, id: "subject-names", path: first + "[0]"},
	}
}

// make returns the broken file, and the world whose services signed.
func (b broken) make(t *testing.T) ([]byte, *world) {
	t.Helper()
	w := newWorldOn(t, elliptic.P256(), "example.org", 2)
	if b.world != nil {
		b.world(t, w)
	}
	data := w.build(t)
	if b.doc != nil {
		var doc object
		if err := json.Unmarshal(data, &doc); err != nil {
			t.Fatal(err)
		}
		b.doc(t, w, doc)
		var err error
		if data, err = json.MarshalIndent(doc, "", "  "); err != nil {
			t.Fatal(err)
		}
	}
	if b.raw != nil {
		data = b.raw(data)
	}
	return data, w
}

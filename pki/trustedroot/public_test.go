package trustedroot

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"testing"
	"time"

	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	prototrustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/plan"
	sigstore "github.com/linnemanlabs/trustroot/pki/trustedroot/world"
)

// publicShape is a trusted root of the shape of the public Sigstore's, under
// keys of this test, and the services behind its newest entries: a Rekor v1 log
// and two of v2 with Ed25519 keys, two CT logs of which the first is closed, a
// first Fulcio CA that is its own root and a second below another root, and
// one TSA whose leaf has an intermediate above it.
func publicShape(t *testing.T) ([]byte, *sigstore.Services) {
	t.Helper()
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
	w := &world{plan: &plan.Plan{Organization: "sigstore.dev", Authorities: map[string]plan.Authority{"fulcio": {Subject: pki.Subject{CommonName: "sigstore"}}}}}
	key := func(name string) fixedSigner { return fixedKey(t, elliptic.P384(), "public "+name) }
	first := w.certify(t, "sigstore", key("first"), nil, day(2021, 3, 7), day(2031, 2, 23), rootTemplate())
	root := w.certify(t, "sigstore", key("root"), nil, day(2021, 10, 7), day(2031, 10, 5), rootTemplate())
	fulcio := w.certify(t, "sigstore-intermediate", key("fulcio"), &root, day(2022, 4, 13), day(2031, 10, 5), fulcioTemplate())
	selfSigned := w.certify(t, "sigstore-tsa-selfsigned", key("tsa root"), nil, day(2025, 3, 28), day(2035, 3, 26), rootTemplate())
	tsa := w.certify(t, "sigstore-tsa", fixedKey(t, elliptic.P256(), "public tsa"), &selfSigned, day(2025, 4, 8), day(2035, 4, 6), tsaTemplate(t))
	rekorV1 := fixedKey(t, elliptic.P256(), "public rekor")
	ct1, ct2 := fixedKey(t, elliptic.P256(), "public ct 1"), fixedKey(t, elliptic.P256(), "public ct 2")
	log2025 := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{25}, ed25519.SeedSize))
	log2026 := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{26}, ed25519.SeedSize))
	window := func(start time.Time, end ...time.Time) *protocommon.TimeRange {
		r := &protocommon.TimeRange{Start: timestamppb.New(start)}
		if len(end) > 0 {
			r.End = timestamppb.New(end[0])
		}
		return r
	}
	log := func(url string, key crypto.Signer, details protocommon.PublicKeyDetails, id [32]byte, valid *protocommon.TimeRange) *prototrustroot.TransparencyLogInstance {
		return &prototrustroot.TransparencyLogInstance{
			BaseUrl: url, HashAlgorithm: protocommon.HashAlgorithm_SHA2_256,
			PublicKey: &protocommon.PublicKey{RawBytes: spki(t, key.Public()), KeyDetails: details, ValidFor: valid},
			LogId:     &protocommon.LogId{KeyId: id[:]},
		}
	}
	const p256, edwards = protocommon.PublicKeyDetails_PKIX_ECDSA_P256_SHA_256, protocommon.PublicKeyDetails_PKIX_ED25519
	noteID := func(origin string, key ed25519.PrivateKey) [32]byte {
		return sha256.Sum256(append([]byte(origin+"\n\x01"), key.Public().(ed25519.PublicKey)...))
	}
	authority := func(url string, chain []*x509.Certificate, valid *protocommon.TimeRange) *prototrustroot.CertificateAuthority {
		certs := make([]*protocommon.X509Certificate, len(chain))
		for i, c := range chain {
			certs[i] = &protocommon.X509Certificate{RawBytes: c.Raw}
		}
		return &prototrustroot.CertificateAuthority{
			Subject: anchorSubject(chain[len(chain)-1]), Uri: url, ValidFor: valid,
			CertChain: &protocommon.X509CertificateChain{Certificates: certs},
		}
	}
	data, err := encode(&prototrustroot.TrustedRoot{
		MediaType: MediaType,
		Tlogs: []*prototrustroot.TransparencyLogInstance{
			log("https://rekor.sigstore.dev", rekorV1, p256, sha256.Sum256(spki(t, rekorV1.Public())), window(time.Date(2021, 1, 12, 11, 53, 27, 0, time.UTC))),
			log("https://log2025-1.rekor.sigstore.dev", log2025, edwards, noteID("log2025-1.rekor.sigstore.dev", log2025), window(day(2025, 9, 23))),
			log("https://log2026-1.rekor.sigstore.dev", log2026, edwards, noteID("log2026-1.rekor.sigstore.dev", log2026), window(day(2026, 1, 1))),
		},
		CertificateAuthorities: []*prototrustroot.CertificateAuthority{
			authority("https://fulcio.sigstore.dev", first.chain, window(day(2021, 3, 7), time.Date(2022, 12, 31, 23, 59, 59, 999000000, time.UTC))),
			authority("https://fulcio.sigstore.dev", fulcio.chain, window(day(2022, 4, 13))),
		},
		Ctlogs: []*prototrustroot.TransparencyLogInstance{
			log("https://ctfe.sigstore.dev/test", ct1, p256, sha256.Sum256(spki(t, ct1.Public())), window(day(2021, 3, 14), time.Date(2022, 10, 31, 23, 59, 59, 999000000, time.UTC))),
			log("https://ctfe.sigstore.dev/2022", ct2, p256, sha256.Sum256(spki(t, ct2.Public())), window(day(2022, 10, 20))),
		},
		TimestampAuthorities: []*prototrustroot.CertificateAuthority{
			authority("https://timestamp.sigstore.dev/api/v1/timestamp", tsa.chain, window(day(2025, 7, 4))),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return data, &sigstore.Services{
		Fulcio: fulcio.cert, FulcioKey: fulcio.key, TSA: tsa.cert, TSAKey: tsa.key,
		CTKey: ct2, RekorKey: log2026, RekorOrigin: "log2026-1.rekor.sigstore.dev",
	}
}

// Logging to both instances: bundles of either verify, the file has no error,
// and every entry of the included file is there as it was.
func TestBuildWith_PublicInstanceBesideOwn(t *testing.T) {
	own := newWorld(t, 2)
	public, services := publicShape(t)
	data, err := BuildWith(own.plan, own.state, own.files, [][]byte{public})
	if err != nil {
		t.Fatal(err)
	}
	findings, err := Lint(data, LintOptions{At: before})
	if err != nil || Worst(findings) != nil {
		t.Errorf("findings: %v %v", findings, err)
	}
	coverage, err := CheckBundles(data, own.sign(t, "own before", 1, before), own.sign(t, "own after", 2, after),
		own.signBy(t, "public", services, before))
	if err != nil {
		t.Fatal(err)
	}
	if want := 4; len(coverage.Bundles[2].Needs) != want {
		t.Errorf("the public bundle needs %v", coverage.Bundles[2].Needs)
	}
	both := []Bundle{own.sign(t, "own after", 2, after), own.signBy(t, "public", services, before)}
	if js := askJS(t, map[string]sample{"both": {data, both}}); js != nil && js["both"].effect != Accepts {
		t.Errorf("sigstore-js: %v", js["both"])
	}
	if _, err := CheckBundles(public, own.sign(t, "own before", 1, before)); err == nil {
		t.Error("our bundle verifies under the public file alone")
	}
	if list, err := Diff(public, data); err != nil || len(list) != 8 {
		t.Errorf("beside the public entries stand %v (%v)", list, err)
	}
}

func TestLint_PublicShape(t *testing.T) {
	public, _ := publicShape(t)
	findings, err := Lint(public, LintOptions{At: before})
	if err != nil || Worst(findings) != nil {
		t.Errorf("errors: %v %v", Worst(findings), err)
	}
	for _, f := range findings {
		t.Log(f)
	}
}

package trustedroot

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"slices"
	"testing"
	"time"

	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	prototrustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/pki/trustedroot/judge"
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
	key := func(name string) testpki.Fixed { return testpki.FixedKey(t, elliptic.P384(), "public "+name) }
	first := w.certify(t, "sigstore", key("first"), nil, day(2021, 3, 7), day(2031, 2, 23), rootTemplate())
	root := w.certify(t, "sigstore", key("root"), nil, day(2021, 10, 7), day(2031, 10, 5), rootTemplate())
	fulcio := w.certify(t, "sigstore-intermediate", key("fulcio"), &root, day(2022, 4, 13), day(2031, 10, 5), fulcioTemplate())
	selfSigned := w.certify(t, "sigstore-tsa-selfsigned", key("tsa root"), nil, day(2025, 3, 28), day(2035, 3, 26), rootTemplate())
	tsa := w.certify(t, "sigstore-tsa", testpki.FixedKey(t, elliptic.P256(), "public tsa"), &selfSigned, day(2025, 4, 8), day(2035, 4, 6), tsaTemplate(t))
	rekorV1 := publicV1Key(t)
	ct1, ct2 := testpki.FixedKey(t, elliptic.P256(), "public ct 1"), testpki.FixedKey(t, elliptic.P256(), "public ct 2")
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
			PublicKey: &protocommon.PublicKey{RawBytes: testpki.SPKI(t, key.Public()), KeyDetails: details, ValidFor: valid},
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
			log("https://rekor.sigstore.dev", rekorV1, p256, sha256.Sum256(testpki.SPKI(t, rekorV1.Public())), window(time.Date(2021, 1, 12, 11, 53, 27, 0, time.UTC))),
			log("https://log2025-1.rekor.sigstore.dev", log2025, edwards, noteID("log2025-1.rekor.sigstore.dev", log2025), window(day(2025, 9, 23))),
			log("https://log2026-1.rekor.sigstore.dev", log2026, edwards, noteID("log2026-1.rekor.sigstore.dev", log2026), window(day(2026, 1, 1))),
		},
		CertificateAuthorities: []*prototrustroot.CertificateAuthority{
			authority("https://fulcio.sigstore.dev", first.chain, window(day(2021, 3, 7), time.Date(2022, 12, 31, 23, 59, 59, 999000000, time.UTC))),
			authority("https://fulcio.sigstore.dev", fulcio.chain, window(day(2022, 4, 13))),
		},
		Ctlogs: []*prototrustroot.TransparencyLogInstance{
			log("https://ctfe.sigstore.dev/test", ct1, p256, sha256.Sum256(testpki.SPKI(t, ct1.Public())), window(day(2021, 3, 14), time.Date(2022, 10, 31, 23, 59, 59, 999000000, time.UTC))),
			log("https://ctfe.sigstore.dev/2022", ct2, p256, sha256.Sum256(testpki.SPKI(t, ct2.Public())), window(day(2022, 10, 20))),
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
func TestBuild_PublicInstanceBesideOwn(t *testing.T) {
	own := newWorld(t, 2)
	public, services := publicShape(t)
	data, err := Build(own.plan, own.state, own.files, public)
	if err != nil {
		t.Fatal(err)
	}
	findings, err := Lint(data, LintOptions{Judge: judge.SigstoreGo{}, At: before})
	if err != nil || Worst(findings) != nil {
		t.Errorf("findings: %v %v", findings, err)
	}
	v1 := own.signV1(t, "public v1", services, publicV1Key(t), before)
	coverage, err := judge.CheckBundles(data, own.sign(t, "own before", 1, before), own.sign(t, "own after", 2, after),
		own.signBy(t, "public", services, before), v1)
	if err != nil {
		t.Fatal(err)
	}
	if want := 4; len(coverage.Bundles[2].Needs) != want {
		t.Errorf("the public bundle needs %v", coverage.Bundles[2].Needs)
	}
	without := withoutLog(t, data, "https://"+v1Host)
	if needs := coverage.Bundles[3].Needs; len(needs) != 3 || !slices.Contains(needs, without.path) {
		t.Errorf("the bundle of the v1 log needs %v; the log is %s", needs, without.path)
	}
	both := []judge.Bundle{own.sign(t, "own after", 2, after), own.signBy(t, "public", services, before), v1}
	samples := map[string]sample{"both": {data, both}, "without v1": {without.data, []judge.Bundle{v1}}}
	for client, said := range map[string]map[string]verdict{"sigstore-js": askJS(t, samples), "cosign": askCosign(t, own, samples)} {
		if said == nil {
			t.Logf("%s is not installed: scripts/clients-conformance asks it", client)
			continue
		}
		if said["both"].effect != Accepts {
			t.Errorf("%s on both kinds of bundle: %v", client, said["both"])
		}
		if said["without v1"].effect != Rejects {
			t.Errorf("%s accepts an entry of a log that the file does not have", client)
		}
		t.Logf("%s accepts the bundle of the v1 log, and without its entry says: %s", client, said["without v1"].why)
	}
	if _, err := judge.CheckBundles(public, own.sign(t, "own before", 1, before)); err == nil {
		t.Error("our bundle verifies under the public file alone")
	}
	if list, err := Diff(public, data); err != nil || len(list) != 8 {
		t.Errorf("beside the public entries stand %v (%v)", list, err)
	}
}

// withoutLog returns the JSON path of the log at an address, and the file
// without it.
func withoutLog(t *testing.T, data []byte, address string) struct {
	path string
	data []byte
} {
	t.Helper()
	msg, err := parse(data)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(msg.Tlogs, func(l *prototrustroot.TransparencyLogInstance) bool { return l.BaseUrl == address })
	if at < 0 {
		t.Fatalf("no log at %s", address)
	}
	msg.Tlogs = slices.Delete(msg.Tlogs, at, at+1)
	out, err := encode(msg)
	if err != nil {
		t.Fatal(err)
	}
	return struct {
		path string
		data []byte
	}{fmt.Sprintf("$.tlogs[%d]", at), out}
}

// What makes an entry of the v1 log true, taken away one at a time.
func TestCheckBundles_RekorV1Tampered(t *testing.T) {
	own := newWorld(t, 1)
	public, services := publicShape(t)
	log := publicV1Key(t)
	become := func(e, other *protorekor.TransparencyLogEntry) {
		proto.Reset(e)
		proto.Merge(e, other)
	}
	for name, spoil := range map[string]func(*protorekor.TransparencyLogEntry){
		"Time":      func(e *protorekor.TransparencyLogEntry) { e.IntegratedTime++ },
		"Index":     func(e *protorekor.TransparencyLogEntry) { e.LogIndex++ },
		"Promise":   func(e *protorekor.TransparencyLogEntry) { e.InclusionPromise.SignedEntryTimestamp[8] ^= 1 },
		"NoPromise": func(e *protorekor.TransparencyLogEntry) { e.InclusionPromise = nil },
		"Sibling":   func(e *protorekor.TransparencyLogEntry) { e.InclusionProof.Hashes[0][0] ^= 1 },
		"Position":  func(e *protorekor.TransparencyLogEntry) { e.InclusionProof.LogIndex = 0 },
		"Root":      func(e *protorekor.TransparencyLogEntry) { e.InclusionProof.RootHash[0] ^= 1 },
		"Checkpoint": func(e *protorekor.TransparencyLogEntry) {
			e.InclusionProof.Checkpoint.Envelope = "x" + e.InclusionProof.Checkpoint.Envelope
		},
		"OtherBody": func(e *protorekor.TransparencyLogEntry) {
			other := openBundle(t, own.signBy(t, "another", services, before))
			become(e, v1Entry(t, log, v1Body(t, other), before))
		},
		"OtherLog": func(e *protorekor.TransparencyLogEntry) {
			become(e, v1Entry(t, testpki.FixedKey(t, elliptic.P256(), "no such log"), e.CanonicalizedBody, before))
		},
		"Late": func(e *protorekor.TransparencyLogEntry) {
			become(e, v1Entry(t, log, e.CanonicalizedBody, before.Add(time.Hour)))
		},
	} {
		b := openBundle(t, own.signV1(t, "public v1", services, log, before))
		if _, err := judge.CheckBundles(public, judge.Bundle{Name: name, Data: closeBundle(t, b)}); err != nil {
			t.Fatalf("%s: before anything is wrong: %v", name, err)
		}
		spoil(b.VerificationMaterial.TlogEntries[0])
		if _, err := judge.CheckBundles(public, judge.Bundle{Name: name, Data: closeBundle(t, b)}); err == nil {
			t.Errorf("%s: it verifies all the same", name)
		}
	}
}

func TestLint_PublicShape(t *testing.T) {
	public, _ := publicShape(t)
	findings, err := Lint(public, LintOptions{Judge: judge.SigstoreGo{}, At: before})
	if err != nil || Worst(findings) != nil {
		t.Errorf("errors: %v %v", Worst(findings), err)
	}
	for _, f := range findings {
		t.Log(f)
	}
}

package anchor_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/signature"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/needs"
	"github.com/linnemanlabs/trustroot/internal/services"
	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/internal/testpki/sigstore"
	"github.com/linnemanlabs/trustroot/pki/anchor"
	"github.com/linnemanlabs/trustroot/pki/checkpoint"
	"github.com/linnemanlabs/trustroot/pki/trustedroot/world"
)

const payload = `{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"a","digest":{"sha256":"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"}}],"predicateType":"https://example.com/v1","predicate":{}}`

// anchored is an anchor of services in memory, and what it is about.
type anchored struct {
	services *world.Services
	subject  anchor.Subject
	files    map[string][]byte
	made     *anchor.Anchor
}

func newAnchored(t testing.TB) anchored {
	t.Helper()
	var a anchored
	at := time.Now().UTC().Truncate(time.Second)
	s, root, err := sigstore.Fresh("rekor.example.com", at)
	must(t, err)
	key := testpki.Key(t, elliptic.P256())
	a.services = s
	a.subject = anchor.Subject{Envelope: envelope(t, key), Key: &key.PublicKey, Root: root, Complete: at}
	log := sigstore.NewLog(s)
	for i := range 5 {
		_, err := log.Add([]byte{byte(i)})
		must(t, err)
	}
	tsa := httptest.NewServer(sigstore.TimestampHandler(s, time.Now))
	defer tsa.Close()
	rekor := httptest.NewServer(log)
	defer rekor.Close()
	logKey, err := checkpoint.New(checkpoint.RekorV2, "rekor.example.com", s.RekorKey.Public())
	must(t, err)
	asked := services.Anchorage{TSA: tsa.URL, Rekor: rekor.URL, Logs: []checkpoint.Key{logKey}, Say: t.Logf}
	a.files, a.made, err = asked.Anchor(t.Context(), a.subject)
	must(t, err)
	return a
}

func envelope(t testing.TB, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	spki := testpki.SPKI(t, key.Public())
	digest := sha256.Sum256(dsse.PAE("application/vnd.in-toto+json", []byte(payload)))
	sig, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	must(t, err)
	data, err := json.Marshal(dsse.Envelope{
		PayloadType: "application/vnd.in-toto+json", Payload: base64.StdEncoding.EncodeToString([]byte(payload)),
		Signatures: []dsse.Signature{{KeyID: fmt.Sprintf("%x", sha256.Sum256(spki)), Sig: base64.StdEncoding.EncodeToString(sig)}},
	})
	must(t, err)
	return data
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// with changes one file, and SHA256SUMS as a forger would.
func (a anchored) with(name string, data []byte) map[string][]byte {
	files := maps.Clone(a.files)
	files[name] = data
	delete(files, courier.SumsFile)
	files[courier.SumsFile] = courier.Sums(files)
	return files
}

func TestVerify_EveryByteOfTheFormsWrittenHere(t *testing.T) {
	needs.Time(t)
	a := newAnchored(t)
	for _, name := range []string{anchor.BundleFile, anchor.ChainFile, anchor.LogKeyFile} {
		data, found, tried := a.files[name], 0, 0
		for at := range data {
			if name == anchor.BundleFile && at%61 != 0 {
				continue // it is long, and each takes several signatures
			}
			tried++
			bad := bytes.Clone(data)
			bad[at] ^= 1
			_, err := anchor.Verify(a.made.Name, a.with(name, bad), a.subject)
			// a timestamp's DER, in the bundle, has bytes that nothing covers
			if err == nil && name != anchor.BundleFile {
				t.Fatalf("%s: byte %d changed from %q to %q", name, at, data[at], bad[at])
			}
			if err != nil {
				found++
			}
		}
		if found < tried*98/100 {
			t.Errorf("%s: %d of %d changed bytes were found", name, found, tried)
		}
		for _, bad := range [][]byte{nil, append(bytes.Clone(data), '\n'), data[:len(data)-1]} {
			if _, err := anchor.Verify(a.made.Name, a.with(name, bad), a.subject); err == nil {
				t.Errorf("%s: %d bytes in place of %d", name, len(bad), len(data))
			}
		}
	}
}

func TestVerify_Refuses(t *testing.T) {
	a, other := newAnchored(t), newAnchored(t)
	refused := func(why string, files map[string][]byte, s anchor.Subject) {
		t.Helper()
		if _, err := anchor.Verify(a.made.Name, files, s); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("want %q, got %v", why, err)
		}
	}
	refused("tsa-chain.pem: it does not end in the root", a.files, other.subject)
	refused("statement.tsr: ", a.with(anchor.TimestampFile, other.files[anchor.TimestampFile]), a.subject)
	refused("statement.sigstore.json: it holds another envelope", a.with(anchor.BundleFile, other.files[anchor.BundleFile]), a.subject)
	refused("statement.sigstore.json: it names the log", a.with(anchor.LogKeyFile, other.files[anchor.LogKeyFile]), a.subject)
	refused("place for", a.with("more.txt", nil), a.subject)
	later := a.subject
	later.Complete = time.Now().Add(time.Hour)
	refused("statement.tsr: it says", a.files, later)
	key := testpki.Key(t, elliptic.P256())
	foreign := a.subject
	foreign.Key = &key.PublicKey
	refused("under another key", a.files, foreign)
	missing := maps.Clone(a.files)
	delete(missing, anchor.ChainFile)
	refused("tsa-chain.pem: missing", missing, a.subject)
	if _, err := anchor.Verify("2020-01-01T00-00-00Z", a.files, a.subject); err == nil || !strings.Contains(err.Error(), a.made.Name) {
		t.Errorf("in another folder: %v", err)
	}
}

// another project's verifier takes the bundle as it is
func TestNew_SigstoreGoAgrees(t *testing.T) {
	a := newAnchored(t)
	var b bundle.Bundle
	must(t, b.UnmarshalJSON(a.files[anchor.BundleFile]))
	spki := testpki.SPKI(t, a.services.RekorKey.Public())
	id := sha256.Sum256(spki)
	log := &root.TransparencyLog{
		BaseURL: "https://rekor.example.com", ID: id[:], PublicKey: a.services.RekorKey.Public(),
		HashFunc: 5, SignatureHashFunc: 5, ValidityPeriodStart: a.made.Time.Add(-time.Hour),
	}
	tsa := &root.SigstoreTimestampingAuthority{
		Root: a.subject.Root, Leaf: a.services.TSA, ValidityPeriodStart: a.made.Time.Add(-time.Hour), URI: "https://tsa.example.com",
	}
	services, err := root.NewTrustedRoot(root.TrustedRootMediaType01, nil, nil, []root.TimestampingAuthority{tsa}, map[string]*root.TransparencyLog{fmt.Sprintf("%x", id): log})
	must(t, err)
	v, err := signature.LoadVerifier(a.subject.Key, 5)
	must(t, err)
	key := root.NewTrustedPublicKeyMaterial(func(string) (root.TimeConstrainedVerifier, error) {
		return root.NewExpiringKey(v, time.Time{}, time.Time{}), nil
	})
	verifier, err := verify.NewVerifier(root.TrustedMaterialCollection{services, key}, verify.WithTransparencyLog(1), verify.WithSignedTimestamps(1))
	must(t, err)
	result, err := verifier.Verify(&b, verify.NewPolicy(verify.WithArtifact(strings.NewReader("a")), verify.WithKey()))
	must(t, err)
	if len(result.VerifiedTimestamps) != 1 {
		t.Errorf("%d timestamps", len(result.VerifiedTimestamps))
	}
	_, err = verifier.Verify(&b, verify.NewPolicy(verify.WithArtifact(strings.NewReader("b")), verify.WithKey()))
	if err == nil {
		t.Error("another artifact was taken")
	}
}

// Invariant: whatever bundle is taken is, but for what its timestamp's DER
// leaves open, the one that was made; nothing makes the reader fail badly. The
// anchor is one that was made once, under keys that were thrown away: each
// process reads the same.
func FuzzVerify(f *testing.F) {
	a := kept(f)
	f.Add(a.files[anchor.TimestampFile], a.files[anchor.BundleFile])
	f.Add([]byte{0x30, 0x03, 0x30, 0x01, 0x00}, []byte(`{"mediaType":"x"}`))
	f.Fuzz(func(t *testing.T, response, bundle []byte) {
		files := a.with(anchor.TimestampFile, response)
		files[anchor.BundleFile] = bundle
		delete(files, courier.SumsFile)
		files[courier.SumsFile] = courier.Sums(files)
		again, err := anchor.Verify(a.made.Name, files, a.subject)
		if err != nil {
			return
		}
		if !again.Time.Equal(a.made.Time) || again.Index != a.made.Index || again.Size != a.made.Size {
			t.Fatalf("%+v in place of %+v", again, a.made)
		}
	})
}

var update = flag.Bool("update", false, "write testdata/kept.json anew")

// kept is the anchor in testdata/kept.json.
func kept(t testing.TB) anchored {
	t.Helper()
	type file struct {
		Files     map[string][]byte
		Envelope  []byte
		Key, Root []byte // DER
		Complete  time.Time
		Made      *anchor.Anchor
	}
	const path = "testdata/kept.json"
	if *update {
		a := newAnchored(t)
		spki := testpki.SPKI(t, a.subject.Key)
		data, err := json.MarshalIndent(file{a.files, a.subject.Envelope, spki, a.subject.Root.Raw, a.subject.Complete, a.made}, "", "  ")
		must(t, err)
		must(t, os.WriteFile(path, append(data, '\n'), 0o644))
	}
	data, err := os.ReadFile(path)
	must(t, err)
	var k file
	must(t, json.Unmarshal(data, &k))
	root := testpki.Parse(t, k.Root)
	key, err := x509.ParsePKIXPublicKey(k.Key)
	must(t, err)
	return anchored{files: k.Files, made: k.Made, subject: anchor.Subject{
		Envelope: k.Envelope, Key: key.(*ecdsa.PublicKey), Root: root, Complete: k.Complete,
	}}
}

// levels is a timestamp response that is one value in another, and another.
func levels(n int) []byte {
	long := func(content []byte) []byte {
		size := len(content)
		return append([]byte{0x30, 0x83, byte(size >> 16), byte(size >> 8), byte(size)}, content...)
	}
	return long(append([]byte{0x30, 3, 2, 1, 0}, long(bytes.Repeat([]byte{0x30, 0x80}, n))...))
}

func TestVerify_TimestampOfManyLevels(t *testing.T) {
	a := newAnchored(t)
	_, err := anchor.Verify(a.made.Name, a.with(anchor.TimestampFile, levels(900_000)), a.subject)
	if err == nil || !strings.Contains(err.Error(), anchor.TimestampFile+": it has 18000") {
		t.Error(err)
	}
	if _, err := anchor.ChainOf(levels(900_000), a.subject.Root, nil); err == nil {
		t.Error("a chain of it")
	}
}

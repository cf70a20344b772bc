package services

import (
	"bytes"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// FuzzParseTrustBundle holds that whatever answers in Fulcio's place, a bundle
// that is read has certificates in every chain, few of them, and that checking
// and comparing any of them ends.
func FuzzParseTrustBundle(f *testing.F) {
	f.Add([]byte(`{"chains":[]}`))
	f.Add([]byte(`{"chains":[{"certificates":["-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"]}]}`))
	s := newSite(f)
	if data, err := pki.EncodeCertificates(s.chain("fulcio", 1)); err == nil {
		text, _ := json.Marshal(map[string]any{"chains": []any{map[string]any{"certificates": []string{string(data)}}}})
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		chains, err := parseTrustBundle(data)
		if err != nil {
			return
		}
		if len(chains) == 0 || len(chains) > maxChain {
			t.Fatalf("%d chains", len(chains))
		}
		for _, chain := range chains {
			if len(chain) == 0 || len(chain) > maxChain {
				t.Fatalf("%d certificates", len(chain))
			}
			q := &inquiry{source: s.source, generations: s.source.State.Authorities["fulcio"]}
			checkChain(q, chain, readChains(q), CheckFulcioChain)
			checkChain(q, chain, readChains(q), CheckTSAChain)
			for _, finding := range q.findings {
				if strings.ContainsAny(finding.Text, "\x1b\x00") {
					t.Fatalf("%q", finding.Text)
				}
			}
		}
	})
}

// FuzzParseIssuers holds that identity providers that are read have a name.
func FuzzParseIssuers(f *testing.F) {
	f.Add([]byte(`{"issuers":[{"issuerUrl":"https://login.example.com","audience":"sigstore"},{"wildcardIssuerUrl":"https://*"}]}`))
	f.Add([]byte(`{"issuers":[{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		issuers, err := parseIssuers(data)
		for _, i := range issuers {
			if i.URL == "" || err != nil {
				t.Fatalf("%+v, %v", i, err)
			}
		}
	})
}

// FuzzParseRoots holds that accepted roots that are read are written the same
// way again.
func FuzzParseRoots(f *testing.F) {
	f.Add([]byte(`{"certificates":["MAA=","AAAA"]}`))
	f.Add([]byte(`{"certificates":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		roots, err := parseRoots(data)
		if err != nil {
			return
		}
		text, err := json.Marshal(map[string]any{"certificates": roots})
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseRoots(text)
		if err != nil || len(again) != len(roots) {
			t.Fatalf("%s became %s: %v", data, text, err)
		}
	})
}

// FuzzParseCheckpoint holds that no answer in a log's place ends the program,
// that one which is read has an origin and a signature, and that it verifies
// under the log's key only where the log signed these very bytes.
func FuzzParseCheckpoint(f *testing.F) {
	keys := testpki.Key(f, elliptic.P256())
	var genuine [][]byte
	for _, kind := range []string{plan.RekorV2, plan.StaticCT} {
		l := &fakeLog{t: f, kind: kind, origin: "log.example.com", key: keys}
		data := l.checkpoint()
		genuine = append(genuine, data)
		f.Add(data)
		f.Add(bytes.Replace(data, []byte("log.example.com"), []byte("other.example.com"), 1))
	}
	for _, size := range []int{4, 11, 12, 13, 14, 15, 16, 17} { // a tree head's signature, cut off anywhere
		f.Add([]byte("log.example.com\n1\n" + strings.Repeat("A", 43) + "=\n\n— log.example.com " + base64.StdEncoding.EncodeToString(make([]byte, size)) + "\n"))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parseCheckpoint(data)
		if err != nil {
			return
		}
		if c.Origin == "" || len(c.signatures) == 0 {
			t.Fatalf("%+v", c)
		}
		c.signedAt()
		for i, kind := range []string{plan.RekorV2, plan.StaticCT} {
			c.otherKey(kind)
			text, _, _ := bytes.Cut(genuine[i], []byte("\n\n"))
			if c.verify(kind, &keys.PublicKey) == nil && !bytes.HasPrefix(data, text) {
				t.Fatalf("%s verifies:\n%s", kind, data)
			}
		}
	})
}

// FuzzReadTimestamp holds that no answer in a timestamp server's place ends
// the program, and that none verifies but one to this very request.
//
// testdata holds the chain and the answers of a Sigstore timestamp server with
// keys in memory: each process reads the same.
func FuzzReadTimestamp(f *testing.F) {
	data, err := os.ReadFile("testdata/timestamp/chain.pem")
	if err != nil {
		f.Fatal(err)
	}
	chain, err := pki.ParseCertificates(data)
	if err != nil {
		f.Fatal(err)
	}
	answers, err := filepath.Glob("testdata/timestamp/*.tsr")
	if err != nil || len(answers) == 0 {
		f.Fatalf("no answers: %v", err)
	}
	for _, path := range answers {
		answer, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(answer)
	}
	f.Add(bytes.Repeat([]byte{0x30, 0x80}, 1000))
	other := &timestampRequest{message: make([]byte, 32), nonce: big.NewInt(1)}
	f.Fuzz(func(t *testing.T, answer []byte) {
		if _, err := readTimestamp(answer); err != nil {
			return
		}
		if _, err := other.verify(answer, chain); err == nil {
			t.Fatal("it answers a request that nobody made")
		}
	})
}

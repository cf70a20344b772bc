package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// usages reads a published repository as clients do that know no
// trusted_root.json: the content of all targets whose custom metadata names a
// usage, whatever their status, in the order of their names.
func usages(repository string) (map[string][][]byte, error) {
	found, err := filepath.Glob(filepath.Join(repository, "*.targets.json"))
	if err != nil || len(found) == 0 {
		return nil, fmt.Errorf("no targets in %s: %w", repository, err)
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return len(a)*1000 - len(b)*1000 + strings.Compare(a, b) })
	data, err := os.ReadFile(newest)
	if err != nil {
		return nil, err
	}
	var file struct {
		Signed struct {
			Targets map[string]struct {
				Hashes struct {
					SHA256 string `json:"sha256"`
				} `json:"hashes"`
				Custom struct {
					Sigstore struct {
						Usage, Status string
					} `json:"sigstore"`
				} `json:"custom"`
			} `json:"targets"`
		} `json:"signed"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, err
	}
	out := map[string][][]byte{}
	for _, name := range slices.Sorted(maps.Keys(file.Signed.Targets)) {
		t := file.Signed.Targets[name]
		folder, base := filepath.Split(name)
		data, err := os.ReadFile(filepath.Join(repository, "targets", folder, t.Hashes.SHA256+"."+base))
		if err != nil {
			return nil, err
		}
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != t.Hashes.SHA256 {
			return nil, fmt.Errorf("%s has another digest", name)
		}
		out[t.Custom.Sigstore.Usage] = append(out[t.Custom.Sigstore.Usage], data)
	}
	return out, nil
}

// leaves are the certificates of joined chains that are no authority's, in the
// way of such a client: of a timestamp authority there may be exactly one.
func leaves(chains [][]byte) (found []*x509.Certificate, err error) {
	for block, rest := pem.Decode(bytes.Join(chains, nil)); block != nil; block, rest = pem.Decode(rest) {
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		if !c.IsCA {
			found = append(found, c)
		}
	}
	return found, nil
}

// singleTargets DIR CHAIN FULCIO REKOR CTFE holds that such a client finds one
// TSA, the one of the file CHAIN, and so many targets of each other usage.
func singleTargets(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 5 {
		ts.Fatalf("usage: single-targets DIR CHAIN FULCIO REKOR CTFE")
	}
	all, err := usages(filepath.Join(ts.MkAbs(args[0]), "tuf"))
	ts.Check(err)
	found, err := leaves(all["TSA"])
	ts.Check(err)
	if len(found) != 1 || len(all["TSA"]) != 1 {
		ts.Fatalf("TSA certificate chain must contain exactly one leaf: %d in %d targets", len(found), len(all["TSA"]))
	}
	if want := ts.ReadFile(args[1]); string(all["TSA"][0]) != want {
		ts.Fatalf("it is not the chain of %s", args[1])
	}
	for i, usage := range []string{"Fulcio", "Rekor", "CTFE"} {
		if got := fmt.Sprint(len(all[usage])); got != args[2+i] {
			ts.Fatalf("%s targets of usage %s, want %s", got, usage, args[2+i])
		}
	}
}

func TestLeaves_SeesASecondOne(t *testing.T) {
	one, err := os.ReadFile(filepath.Join(projectDir(t), "pki", "testdata", "golden", "tsa.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if found, err := leaves([][]byte{one, one}); err != nil || len(found) != 2 {
		t.Errorf("%d leaves, %v", len(found), err)
	}
}

// publishedForms DIR holds that the forms which are TUF targets have the bytes
// that lie beside trusted_root.json.
func publishedForms(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: published-forms DIR")
	}
	all, err := usages(filepath.Join(ts.MkAbs(args[0]), "tuf"))
	ts.Check(err)
	for _, name := range []string{"clienttrustconfig.json", "trusted_root.jsonl", "monitor.json", "spiffe-bundle.json"} {
		want := []byte(ts.ReadFile(filepath.Join(args[0], "trust", "consumers", name)))
		if !slices.ContainsFunc(all[""], func(data []byte) bool { return bytes.Equal(data, want) }) {
			ts.Fatalf("no target has the bytes of %s", name)
		}
	}
}

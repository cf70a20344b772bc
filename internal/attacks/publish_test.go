//go:build linux && cgo

package attacks

import (
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/rehearsal"
	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/tuf"
)

const (
	servedRoot = "trust/.well-known/trusted_root.json"
	nextStaged = "staged/0002"
)

// edit changes a JSON file of the trust directory.
func (w *world) edit(name string, change func(v map[string]any)) {
	w.Helper()
	var v map[string]any
	if err := json.Unmarshal(w.read(name), &v); err != nil {
		w.Fatal(err)
	}
	change(v)
	data, err := json.Marshal(v)
	if err != nil {
		w.Fatal(err)
	}
	w.write(name, data)
}

// staged changes metadata of a staged change and its SHA256SUMS with it, as one
// who carries the folder could.
func staged(what, file string, change func(w *world, signed map[string]any)) func(*world) {
	return func(w *world) {
		w.ok("tuf", "stage", what, "--renew")
		w.edit(nextStaged+"/sign/"+file, func(v map[string]any) { change(w, v["signed"].(map[string]any)) })
		w.sums(nextStaged)
	}
}

func (w *world) sums(folder string) {
	w.Helper()
	var b strings.Builder
	err := filepath.WalkDir(w.path(folder), func(path string, e fs.DirEntry, err error) error {
		name, _ := filepath.Rel(w.path(folder), path)
		if err != nil || e.IsDir() || name == "SHA256SUMS" || strings.HasPrefix(name, "signatures/") {
			return err
		}
		data, err := os.ReadFile(path)
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(data), name)
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	w.write(folder+"/SHA256SUMS", []byte(b.String()))
}

// stranger is a key of TUF metadata that nobody attested.
func stranger(w *world) (id string, key map[string]any) {
	w.Helper()
	made := testpki.Key(w, elliptic.P256())
	id, err := tuf.KeyID(made.Public())
	if err != nil {
		w.Fatal(err)
	}
	text, err := pki.EncodePublicKey(&made.PublicKey)
	if err != nil {
		w.Fatal(err)
	}
	return id, map[string]any{"keytype": "ecdsa", "scheme": "ecdsa-sha2-nistp256", "keyval": map[string]any{"public": string(text)}}
}

func object(v map[string]any, names ...string) map[string]any {
	for _, name := range names {
		v = v[name].(map[string]any)
	}
	return v
}

// evilLog adds a log that the ledger does not know.
func evilLog(w *world) {
	w.edit(servedRoot, func(v map[string]any) {
		logs := v["tlogs"].([]any)
		data, err := json.Marshal(logs[0])
		if err != nil {
			w.Fatal(err)
		}
		var evil map[string]any
		if err := json.Unmarshal([]byte(strings.ReplaceAll(string(data), object(logs[0].(map[string]any))["baseUrl"].(string), "https://evil.example.com")), &evil); err != nil {
			w.Fatal(err)
		}
		v["tlogs"] = append(logs, evil)
	})
}

func TestPublished_IsWhatTheLedgerSays(t *testing.T) {
	stray := func(name string) func(*world) { return func(w *world) { w.write(name, []byte("evil\n")) } }
	play(t, []row{
		{name: "a log of a stranger in trust/, staged", do: evilLog, args: []string{"tuf", "stage", "targets"}, code: 5,
			words: []string{servedRoot + " has other bytes than ledger and plan make", "https://evil.example.com", "trusted-root build"}},
		{name: "a log of a stranger in trust/, verified", do: evilLog, args: []string{"ledger", "verify"}, code: 5, words: []string{"https://evil.example.com"}},
		{name: "a log of a stranger in trust/, built over", do: evilLog, args: []string{"trusted-root", "build"}, code: 0, never: []string{`"baseUrl": "https://evil`},
			check: func(w *world) {
				if strings.Contains(string(w.read(servedRoot)), "evil.example.com") {
					w.Error("the honest build left it there")
				}
			}},
		{name: "a log of a stranger in trust/, built over where nothing is published", do: func(w *world) {
			evilLog(w)
			if err := os.RemoveAll(w.path("tuf")); err != nil {
				w.Fatal(err)
			}
		}, args: []string{"trusted-root", "build"}, code: 5, words: []string{"https://evil.example.com", "move the file aside", "nothing was written"}},
		{name: "a stray key becomes no target", do: stray("trust/keys/evil.pub"), args: []string{"tuf", "stage", "targets"}, code: 5, words: []string{"trust/keys/evil.pub is nothing that ledger and plan make"}},
		{name: "a stray certificate becomes no target", do: stray("trust/certs/evil.crt"), args: []string{"tuf", "stage"}, code: 5, words: []string{"trust/certs/evil.crt is nothing that"}},
		{name: "a stray file beside the trusted root", do: stray("trust/.well-known/x.json"), args: []string{"ledger", "verify"}, code: 5, words: []string{"trust/.well-known/x.json is nothing that"}},
		{name: "a log closed by hand", do: func(w *world) { w.replace(servedRoot, "https://rekor.example.com", "https://rekor.example.net") },
			args: []string{"tuf", "stage", "targets"}, code: 5, words: []string{"has other bytes"}},
		{name: "an application's key that the ledger does not speak of", do: stray("apps/deploy/g9/key.pem"), args: []string{"tuf", "stage", "targets"}, code: 2, words: []string{"nothing to stage"}},
	})
}

func TestSigned_IsWhatWasShown(t *testing.T) {
	sign := []string{"tuf", "sign", nextStaged, "--serial", fmt.Sprint(rehearsal.HolderSerial)}
	publish := []string{"tuf", "publish", nextStaged, "--rehearsal"}
	delegation := func(change func(w *world, signed, role map[string]any) []any) func(*world) {
		return staged("targets", "2.targets.json", func(w *world, signed map[string]any) {
			roles := object(signed, "delegations")["roles"].([]any)
			object(signed, "delegations")["roles"] = append(change(w, signed, roles[0].(map[string]any)), roles[0])
		})
	}
	strangersToo := delegation(func(w *world, signed, role map[string]any) []any {
		id, key := stranger(w)
		object(signed, "delegations", "keys")[id] = key
		return []any{map[string]any{"name": "apps", "keyids": []string{id}, "threshold": 1, "paths": []string{"*", "*/*"}, "terminating": true}}
	})
	twice := []string{"two delegations apps: clients take the first"}
	play(t, []row{
		{name: "another trusted root without the old one", args: sign, code: 5, words: []string{"previous/trusted_root.json is missing"},
			do: staged("targets", "2.targets.json", func(w *world, signed map[string]any) {
				data := w.read(servedRoot)
				data = append(data, '\n')
				w.write(nextStaged+"/targets/trusted_root.json", data)
				file := object(signed, "targets", "trusted_root.json")
				file["length"], file["hashes"] = len(data), map[string]any{"sha256": fmt.Sprintf("%x", sha256.Sum256(data))}
			})},
		{name: "two delegations of one name", args: sign, code: 5, words: twice, do: strangersToo},
		{name: "two delegations of one name, merged", args: []string{"tuf", "merge", nextStaged}, code: 5, words: twice, do: strangersToo},
		{name: "two delegations of one name, published", args: publish, code: 5, words: twice, do: strangersToo},
		{name: "a delegation whose path drives the screen", args: sign, code: 5, words: []string{"is not a pattern of target names"}, never: []string{"\x1b[2A"},
			do: staged("targets", "2.targets.json", func(_ *world, signed map[string]any) {
				object(signed, "delegations")["roles"].([]any)[0].(map[string]any)["paths"] = []string{"apps/*\x1b[2A\x1b[2Kthe same 19 targets"}
			})},
		{name: "a delegation whose name drives the screen", args: publish, code: 5, never: []string{"\x1b[2A"},
			do: staged("targets", "2.targets.json", func(_ *world, signed map[string]any) {
				object(signed, "delegations")["roles"].([]any)[0].(map[string]any)["name"] = "apps\x1b[2A"
			})},
		{name: "a delegation that lets clients look further", args: publish, code: 5, words: []string{"clients go on looking for those elsewhere"},
			do: staged("targets", "2.targets.json", func(_ *world, signed map[string]any) {
				object(signed, "delegations")["roles"].([]any)[0].(map[string]any)["terminating"] = false
			})},
		{name: "a timestamp that lives for a century, published", args: publish, code: 5, words: []string{"timestamp: each version expires after 36500 days", "instead of 7"},
			do: staged("root", "2.root.json", func(_ *world, signed map[string]any) {
				object(signed, "roles", "timestamp")["x-tuf-on-ci-expiry-period"] = 36500
			})},
		{name: "a root that expires in a century", args: publish, code: 5, words: []string{"2.root.json expires on 2126-"},
			do: staged("root", "2.root.json", func(_ *world, signed map[string]any) { signed["expires"] = "2126-01-01T00:00:00Z" })},
		{name: "a threshold that one key meets twice", args: sign, code: 5,
			do: staged("root", "2.root.json", func(_ *world, signed map[string]any) {
				role := object(signed, "roles", "root")
				role["keyids"] = append(role["keyids"].([]any), role["keyids"].([]any)[0])
			})},
		{name: "custom metadata that no client knows", args: sign, code: 5, words: []string{"unknown field"},
			do: staged("targets", "2.targets.json", func(_ *world, signed map[string]any) {
				object(signed, "targets", "trusted_root.json")["custom"] = map[string]any{"evil": true}
			})},
		{name: "custom metadata that older clients would follow", args: publish, code: 5, words: []string{"older clients are told: Fulcio, Active"},
			do: staged("targets", "2.targets.json", func(_ *world, signed map[string]any) {
				object(signed, "targets", "keys/rekor.pub")["custom"] = map[string]any{"sigstore": map[string]any{"status": "Active", "usage": "Fulcio"}}
			})},
		{name: "path hash prefixes", args: sign, code: 5, words: []string{"unknown field"},
			do: staged("targets", "2.targets.json", func(_ *world, signed map[string]any) {
				object(signed, "delegations")["roles"].([]any)[0].(map[string]any)["path_hash_prefixes"] = []string{"00"}
			})},
		{name: "a field that nobody knows", args: sign, code: 5, words: []string{"unknown field"},
			do: staged("root", "2.root.json", func(_ *world, signed map[string]any) { signed["x-evil"] = 1 })},
		{name: "a key that no token attested", args: publish, code: 5, words: []string{"root: key added: ", "differs from what ledger and plan say"},
			do: staged("root", "2.root.json", func(w *world, signed map[string]any) {
				id, key := stranger(w)
				object(signed, "keys")[id] = key
				role := object(signed, "roles", "root")
				ids := append(role["keyids"].([]any), id)
				if ids[0].(string) > id {
					ids[0], ids[1] = ids[1], ids[0]
				}
				role["keyids"] = ids
			})},
	})
}

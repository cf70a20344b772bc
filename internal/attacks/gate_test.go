//go:build linux && cgo

package attacks

import (
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/testpki"
)

// gated puts the rehearsal's archived bundle, changed, and a policy for it into
// the empty folder.
func gated(change func(w *world, bundle map[string]any), policy ...string) func(*world) {
	return func(w *world) {
		w.Helper()
		found, err := filepath.Glob(w.path("bundles/*/artifact"))
		if err != nil || len(found) != 1 {
			w.Fatalf("%v: artifacts %q", err, found)
		}
		for _, name := range []string{"artifact", "artifact.sigstore.json"} {
			data, err := os.ReadFile(filepath.Join(filepath.Dir(found[0]), name))
			if err != nil {
				w.Fatal(err)
			}
			if name != "artifact" {
				var v map[string]any
				if err := json.Unmarshal(data, &v); err != nil {
					w.Fatal(err)
				}
				change(w, v)
				if data, err = json.Marshal(v); err != nil {
					w.Fatal(err)
				}
			}
			if err := os.WriteFile(filepath.Join(w.tmp, name), data, 0o644); err != nil {
				w.Fatal(err)
			}
		}
		text := `{"version": 2, "trust": {"file": "` + w.path(servedRoot) + `"}, "rule": "any", "keyless": [{"issuer": "https://login.rehearsal.invalid", "identity": "https://ci.rehearsal.invalid/build"}]}`
		if len(policy) > 0 {
			text = policy[0]
		}
		if err := os.WriteFile(filepath.Join(w.tmp, "policy.json"), []byte(text), 0o644); err != nil {
			w.Fatal(err)
		}
	}
}

// TestGate gives the gate bundles that hold beside what does not.
func TestGate(t *testing.T) {
	entries := func(change func(w *world, entries []any) []any) func(*world) {
		return gated(func(w *world, bundle map[string]any) {
			m := object(bundle, "verificationMaterial")
			m["tlogEntries"] = change(w, m["tlogEntries"].([]any))
		})
	}
	copied := func(w *world, entry any) map[string]any {
		data, err := json.Marshal(entry)
		if err != nil {
			w.Fatal(err)
		}
		var v map[string]any
		if err := json.Unmarshal(data, &v); err != nil {
			w.Fatal(err)
		}
		return v
	}
	decoy := func(first bool, change func(v map[string]any)) func(*world) {
		return entries(func(w *world, all []any) []any {
			v := copied(w, all[0])
			change(v)
			if first {
				return append([]any{v}, all...)
			}
			return append(all, v)
		})
	}
	promise := func(v map[string]any) {
		v["logIndex"], v["integratedTime"], v["inclusionPromise"] = "7", "1764000000", map[string]any{"signedEntryTimestamp": base64.StdEncoding.EncodeToString([]byte("bogus"))}
	}
	whole := func(*world, map[string]any) {}
	// closed has the policy's trusted root close the log before the entry, beside
	// another one that is open.
	otherKey := testpki.Key(t, elliptic.P256())
	spki := testpki.SPKI(t, otherKey.Public())
	id := sha256.Sum256(spki)
	otherLog := base64.StdEncoding.EncodeToString(id[:])
	closed := func(do func(*world)) func(*world) {
		return func(w *world) {
			do(w)
			w.edit(servedRoot, func(v map[string]any) {
				log := v["tlogs"].([]any)[0]
				other := copied(w, log)
				object(other, "logId")["keyId"], object(other, "publicKey")["rawBytes"] = otherLog, base64.StdEncoding.EncodeToString(spki)
				v["tlogs"] = []any{log, other}
				object(log.(map[string]any), "publicKey")["validFor"] = map[string]any{"start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z"}
			})
		}
	}
	issuer := func(name string) func(*world) {
		return func(w *world) {
			text, err := json.Marshal(map[string]any{"version": 2, "trust": map[string]any{"file": w.path(servedRoot)}, "rule": "any",
				"keyless": []any{map[string]any{"issuer": name, "identity": "https://ci.rehearsal.invalid/build"}}})
			if err != nil {
				w.Fatal(err)
			}
			gated(whole, string(text))(w)
		}
	}
	verify := []string{"verify", "{tmp}/artifact", "--policy", "{tmp}/policy.json"}
	var rows []row
	add := func(name string, code int, word string, do func(*world)) {
		for _, program := range []string{"trustroot", "trustroot-verify"} {
			rows = append(rows, row{name: name + ", " + program, program: program, do: do, args: verify, code: code, words: []string{word}, never: raw})
		}
	}
	add("as it is", 0, "", gated(whole))
	add("a second entry that proves nothing", 0, "", decoy(false, promise))
	add("its log closed", 5, "log", closed(gated(whole)))
	for what, change := range map[string]func(map[string]any){
		"a bogus promise": promise, "its proof": func(map[string]any) {}, "no proof": func(v map[string]any) { delete(v, "inclusionProof") },
	} {
		open := func(v map[string]any) {
			object(v, "logId")["keyId"] = otherLog
			change(v)
		}
		add("its log closed, and an open one named with "+what, 5, "log", closed(decoy(false, open)))
		add("its log closed, and an open one named first with "+what, 5, "log", closed(decoy(true, open)))
	}
	add("no entry", 5, "log", entries(func(*world, []any) []any { return nil }))
	add("another issuer", 5, "issuer", issuer("https://evil.example.com"))
	add("another artifact", 5, "", func(w *world) {
		gated(whole)(w)
		if err := os.WriteFile(w.tmp+"/artifact", []byte("another\n"), 0o644); err != nil {
			w.Fatal(err)
		}
	})
	add("a hostile issuer in the policy", -1, "", issuer(hostile))
	play(t, rows)
}

// TestGate_Interrupted has the gate hash an artifact that does not end.
func TestGate_Interrupted(t *testing.T) {
	var rows []row
	for _, signal := range []string{"TERM", "INT"} {
		rows = append(rows, row{name: signal, under: []string{"timeout", "--foreground", "--preserve-status", "-s", signal, "2"}, program: "trustroot-verify",
			args: []string{"verify", "{tmp}/artifact", "--policy", "{tmp}/policy.json"}, code: 3, words: []string{"was not judged", "do not run it"}, do: func(w *world) {
				gated(func(*world, map[string]any) {})(w)
				if err := os.Truncate(w.tmp+"/artifact", 1<<40); err != nil { // sparse
					w.Fatal(err)
				}
			}})
	}
	play(t, rows)
}

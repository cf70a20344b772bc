//go:build linux && cgo

package attacks

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// hostile clears a screen, turns text around, hides, and begins a line of its
// own.
const hostile = "a\x1b[2Jb\u202ec\u200bd\ntrustroot: all is well"

// raw is what must reach no stream and no terminal.
var raw = []string{"\x1b[2J", "\u202e", "\u200b", "\ntrustroot: all is well"}

// inJSON writes the hostile text into a string of a JSON or YAML file.
func inJSON(w *world, name, old string) {
	w.Helper()
	text, err := json.Marshal(hostile)
	if err != nil {
		w.Fatal(err)
	}
	w.replace(name, old, old[:len(old)-1]+strings.Trim(string(text), `"`)+`"`)
}

// TestScreens drives commands with hostile strings from each place outside:
// arguments, file names, plan, certificates, metadata, ledger, KMS, requests.
func TestScreens(t *testing.T) {
	rows := []row{}
	add := func(name string, do func(*world), args ...string) {
		rows = append(rows, row{name: name, do: do, args: args, code: -2, never: raw, words: []string{`\u`}})
	}
	// what is refused before, or shows another part, must at least not show it raw
	quiet := func(name string, do func(*world), args ...string) {
		rows = append(rows, row{name: name, do: do, args: args, code: -2, never: raw})
	}
	file := func(w *world) {
		if err := os.WriteFile(w.tmp+"/"+hostile[:len(hostile)-len("trustroot: all is well")]+"x", []byte("{}"), 0o644); err != nil {
			w.Fatal(err)
		}
	}
	path := "{tmp}/" + hostile
	for _, args := range [][]string{
		{"trusted-root", "lint", path}, {"trusted-root", "show", path}, {"trusted-root", "diff", path, path}, {"trusted-root", "check", path},
		{"tuf", "verify", "{dir}/tuf", "--root", path}, {"tuf", "verify", path, "--root", "{dir}/tuf/1.root.json"}, {"tuf", "sign", path, "--serial", "1"},
		{"tuf", "merge", path, path}, {"tuf", "join", path, "--serial", "1", "--slot", "9a", "--out", "{tmp}/o"},
		{"verify", path, "--policy", path}, {"log", "key", path, "--origin", hostile, "--kind", "rekor-v2"},
		{"request", "show", path}, {"ceremony", "verify", path}, {"ceremony", "accept", path}, {"ceremony", "report", path},
		{"status", "--dir", path}, {"ledger", "verify", "--head", hostile}, {"ledger", "show", "--dir", path},
		{"cutover", hostile, "--at", "2026-11-26T00:00:00Z"}, {"renew", hostile}, {"kms", "policy", hostile},
		{"token", "info", "--serial", hostile}, {hostile},
		{"--" + hostile}, {"signing-config", "lint", path}, {"trusted-root", "lint", "--client", hostile, path},
	} {
		add(strings.Join(args, " ")[:min(40, len(strings.Join(args, " ")))], file, args...)
	}
	for _, args := range [][]string{
		{"init", "--dir", path, "--organization", hostile}, {"ceremony", "run", path}, {"tuf", "publish", path, "--rehearsal"}, {"services", "render", hostile, "--out", path},
		{"kms", "create", "--alias-prefix", hostile}, {"token", "verify-attestation", "--pubkey", path}, {"plan", "check", path},
	} {
		quiet(strings.Join(args, " ")[:min(40, len(strings.Join(args, " ")))], file, args...)
	}
	inPlan := func(old string) func(*world) {
		return func(w *world) { inJSON(w, "pki.yaml", old) }
	}
	quoted := func(w *world) {
		w.replace("pki.yaml", "common_name: Example Fulcio CA", `common_name: "Example Fulcio CA"`)
		inPlan(`common_name: "Example Fulcio CA"`)(w)
	}
	quiet("a subject in the plan", quoted, "plan", "check")
	add("an unknown field of the plan", func(w *world) { w.replace("pki.yaml", "version: 1", "version: 1\n\"a\\e[2J\\u202e\\u200b\\nb\": 1") }, "plan", "check")
	add("an origin in trusted_root.json", func(w *world) {
		inJSON(w, "trust/.well-known/trusted_root.json", `"https://rekor.example.com"`)
	}, "trusted-root", "lint", "{dir}/trust/.well-known/trusted_root.json")
	quiet("the same, shown", func(w *world) {
		inJSON(w, "trust/.well-known/trusted_root.json", `"https://rekor.example.com"`)
	}, "trusted-root", "show")
	add("a media type", func(w *world) {
		inJSON(w, "trust/.well-known/trusted_root.json", `"application/vnd.dev.sigstore.trustedroot+json;version=0.1"`)
	}, "trusted-root", "lint", "{dir}/trust/.well-known/trusted_root.json")
	add("a head", func(w *world) {
		text, err := json.Marshal(map[string]string{"head": hostile})
		if err != nil {
			w.Fatal(err)
		}
		w.write("staged/x/targets/ledger-head.json", text)
	}, "status")
	add("a folder's name", func(w *world) {
		w.write("staged/x\x1b[2J\u202e\u200b/targets/ledger-head.json", []byte(`{"head":"0"}`))
	}, "status")
	quiet("a key's description in key.json", func(w *world) {
		inJSON(w, "authorities/fulcio/g1/key.json", `"key_state": "Enabled"`)
	}, "request", "create", "--out", "{tmp}")
	play(t, rows)
}

// TestScreens_Challenge invites a holder in a name that drives the screen.
func TestScreens_Challenge(t *testing.T) {
	challenge := func(field string) func(*world) {
		return func(w *world) {
			v := map[string]any{"version": 1, "repository": "example.com", "holder": "first", "nonce": strings.Repeat("0", 64), "expires": "2036-12-10T20:20:11Z"}
			v[field] = hostile
			data, err := json.Marshal(v)
			if err == nil {
				err = os.WriteFile(w.tmp+"/challenge.json", data, 0o644)
			}
			if err != nil {
				w.Fatal(err)
			}
			w.plug(tokenOf("holder.json"))
		}
	}
	var rows []row
	for _, field := range []string{"repository", "holder", "nonce", "expires"} {
		rows = append(rows, row{name: field, do: challenge(field), code: -2, never: raw, typed: func(string) string { return "no" },
			args: []string{"tuf", "join", "{tmp}/challenge.json", "--serial", "32000002", "--slot", "9a", "--out", "{tmp}/o.json"}})
	}
	rows[0].words = []string{`\u`}
	play(t, rows)
}

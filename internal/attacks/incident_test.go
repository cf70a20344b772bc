//go:build linux && cgo

package attacks

import (
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/rehearsal"
	"github.com/linnemanlabs/trustroot/internal/testpki"
)

const includeLine = "organization: example.com REHEARSAL\ninclude: [{path: include/x.json, sha256: %x}]\n"

// published has holders sign and publish what is staged.
func (w *world) published(folder string) {
	w.Helper()
	w.ok("tuf", "sign", folder, "--serial", fmt.Sprint(rehearsal.HolderSerial))
	w.ok("tuf", "publish", folder, "--rehearsal")
}

// unknown has tuf/ publish a log that neither ledger nor plan knows any more:
// it was included for one publication.
func unknown(w *world) {
	w.Helper()
	w.plug(tokenOf("token.json"), tokenOf("holder.json"))
	key := testpki.Key(w, elliptic.P256())
	der := testpki.SPKI(w, key.Public())
	var root map[string]any
	if err := json.Unmarshal(w.read(servedRoot), &root); err != nil {
		w.Fatal(err)
	}
	log := root["tlogs"].([]any)[0].(map[string]any)
	id := sha256.Sum256(der)
	log["baseUrl"], object(log, "logId")["keyId"], object(log, "publicKey")["rawBytes"] = "https://rekor.example.org", base64.StdEncoding.EncodeToString(id[:]), base64.StdEncoding.EncodeToString(der)
	text, err := json.Marshal(map[string]any{"mediaType": root["mediaType"], "tlogs": []any{log}})
	if err != nil {
		w.Fatal(err)
	}
	w.write("include/x.json", text)
	line := fmt.Sprintf(includeLine, sha256.Sum256(text))
	w.replace("pki.yaml", "organization: example.com REHEARSAL\n\n", line+"\n")
	w.ok("trusted-root", "build")
	w.ok("tuf", "stage", "targets")
	w.published(nextStaged)
	w.replace("pki.yaml", line, "organization: example.com REHEARSAL\n")
}

// TestIncident repairs a published entry that the ledger does not know, either
// way.
func TestIncident(t *testing.T) {
	const reason = "included by mistake on the first day"
	repair := []string{"tuf/ publishes what the ledger does not say", "https://rekor.example.org", "trustroot ledger adopt --reason REASON", "--withdraw REASON"}
	adopt := []string{"ledger", "adopt", "--reason", reason}
	withdraw := []string{"tuf", "stage", "targets", "--withdraw", reason}
	no := func(string) string { return "no" }
	untouched := func(w *world) {
		if strings.Contains(string(w.read("ledger.jsonl")), "incident") {
			w.Error("something was recorded")
		}
	}
	whole := func(w *world) {
		w.ok("ledger", "verify")
		w.ok("tuf", "refresh")
		w.ok("tuf", "verify", w.path("tuf"), "--root", w.path("tuf/1.root.json"), "--rehearsal")
	}
	play(t, []row{
		{name: "nothing is unknown", args: adopt, code: 2, words: []string{"publishes no entry that the ledger does not know"}, check: untouched},
		{name: "found by ledger verify", do: unknown, args: []string{"ledger", "verify"}, code: 5, words: repair},
		{name: "found by status", do: unknown, args: []string{"status"}, code: 0, words: repair[:2]},
		{name: "not signed for", do: unknown, args: []string{"tuf", "refresh"}, code: 5, words: repair},
		{name: "nothing is staged on it", do: unknown, args: []string{"tuf", "stage", "targets", "--renew"}, code: 5, words: repair},
		{name: "adopted without a reason", do: unknown, args: adopt[:2], code: 2, words: []string{"--reason"}, check: untouched},
		{name: "adopted, and no", do: unknown, args: adopt, typed: no, code: 3, words: []string{"tlogs: https://rekor.example.org, key ID "}, check: untouched},
		{name: "adopted", do: unknown, args: adopt, code: 0, words: []string{"https://rekor.example.org", reason}, check: func(w *world) {
			whole(w)
			if !strings.Contains(string(w.read(servedRoot)), "https://rekor.example.org") || !strings.Contains(w.ok("ledger", "show"), reason) {
				w.Error("it is not taken in")
			}
			w.ok("tuf", "stage", "targets")
			w.published("staged/0003")
			whole(w)
			w.write("incidents/1.json", []byte("{}"))
			if said, code := w.run(row{args: []string{"ledger", "verify"}}); code != 5 {
				w.Errorf("a changed file: exit code %d\n%s", code, said)
			}
		}},
		{name: "adopted, and services check takes it for what ledger and plan build", code: 0, words: []string{"agrees"}, never: []string{"what ledger and plan build", "behind the ledger"},
			under: []string{"sh", "-c", `exec "$0" services check tuf --url tuf="$URL"`}, do: func(w *world) {
				unknown(w)
				w.ok(adopt...)
				serving("URL", http.FileServer(http.Dir(w.path("tuf"))).ServeHTTP)(w)
			}},
		{name: "withdrawn", do: unknown, args: withdraw, code: 0, words: []string{"WITHDRAWN", reason, "https://rekor.example.org"}, check: func(w *world) {
			said := w.ok("tuf", "sign", "staged/0003", "--serial", fmt.Sprint(rehearsal.HolderSerial))
			for _, word := range []string{"WITHDRAWN", reason, "https://rekor.example.org"} {
				if !strings.Contains(said, word) {
					w.Errorf("the holder does not see %q\n%s", word, said)
				}
			}
			w.ok("tuf", "publish", "staged/0003", "--rehearsal")
			w.ok("trusted-root", "build")
			whole(w)
		}},
		{name: "withdrawn, its reason changed on the way", args: []string{"tuf", "sign", "staged/0003", "--serial", fmt.Sprint(rehearsal.HolderSerial)}, code: 5, do: func(w *world) {
			unknown(w)
			w.ok(withdraw...)
			w.edit("staged/0003/change.json", func(v map[string]any) { delete(v, "withdraw") })
			w.sums("staged/0003")
		}},
	})
}

// TestGiveUp discards a branch and a request.
func TestGiveUp(t *testing.T) {
	other := strings.Repeat("ab", 32)
	branch := func(w *world) {
		w.write("staged/branch/targets/ledger-head.json", []byte(`{"entries":9,"head":"`+other+`"}`))
	}
	give := func(what ...string) []string {
		return append([]string{"ledger", "give-up"}, append(what, "--reason", "the branch was dropped")...)
	}
	untouched := func(w *world) {
		if strings.Contains(string(w.read("ledger.jsonl")), "given_up") {
			w.Error("something was recorded")
		}
	}
	play(t, []row{
		{name: "explained", do: branch, args: []string{"ledger", "verify"}, code: 5, words: []string{"staged/branch/targets/ledger-head.json", "trustroot ledger give-up FOLDER --reason REASON"}},
		{name: "by its folder", do: branch, args: give("staged/branch"), code: 0, words: []string{other, "the branch was dropped"}, check: func(w *world) {
			w.ok("ledger", "verify")
			w.ok("status")
			if said := w.ok("ledger", "show"); !strings.Contains(said, "staged/branch is given up: the branch was dropped") {
				w.Errorf("not in the ledger:\n%s", said)
			}
			w.ok(give("staged/branch")...) // again
		}},
		{name: "and no", do: branch, args: give("staged/branch"), typed: func(string) string { return "no" }, code: 3, check: untouched},
		{name: "of a paper", args: give(other), code: 0, check: func(w *world) {
			if said := w.ok("ledger", "verify", "--head", other); !strings.Contains(said, "was given up: the branch was dropped") {
				w.Error(said)
			}
		}},
		{name: "one that the ledger has", args: give("staged/0001"), code: 2, words: []string{"is a line of the ledger"}, check: untouched},
		{name: "of an accepted record", do: rewrite(anotherTime), under: []string{"sh", "-c", `exec "$0" ledger give-up ceremonies/*-founding --reason x`}, code: 5, words: []string{"is published or accepted"}, check: untouched},
		{name: "no reason", do: branch, args: []string{"ledger", "give-up", "staged/branch"}, code: 2, words: []string{"--reason"}, check: untouched},
		{name: "a folder without one", args: give("trust/keys"), code: 2, words: []string{"carries no head"}, check: untouched},
		{name: "a rewritten ledger is not given up with it", do: func(w *world) {
			branch(w)
			rewrite(anotherTime)(w)
		}, args: give("staged/branch"), code: 5, words: []string{"others are missing too", "ceremonies/"}},
	})
}

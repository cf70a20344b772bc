//go:build linux && cgo

package attacks

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/rehearsal"
)

// thief takes the online key out of the stand-in's state.
func thief(w *world) *ecdsa.PrivateKey {
	w.Helper()
	arn := regexp.MustCompile(`online_key:\n +generation: 1\n +key: \S+/(\S+)`).FindSubmatch(w.read("pki.yaml"))
	var state struct {
		Keys map[string]struct{ PKCS8 []byte }
	}
	if err := json.Unmarshal(w.read("rehearsal/kms.json"), &state); err != nil || arn == nil {
		w.Fatalf("%v: %q", err, arn)
	}
	key, err := x509.ParsePKCS8PrivateKey(state.Keys[string(arn[1])].PKCS8)
	if err != nil {
		w.Fatal(err)
	}
	return key.(*ecdsa.PrivateKey)
}

// forged changes timestamp.json of a folder and signs it with the stolen key.
// Its text has no character that encoding/json writes otherwise than canonical
// JSON does.
func forged(w *world, folder string, change func(signed map[string]any)) {
	w.Helper()
	path := filepath.Join(folder, "timestamp.json")
	data, err := os.ReadFile(path)
	if err != nil {
		w.Fatal(err)
	}
	var v map[string]any
	numbers := json.NewDecoder(bytes.NewReader(data))
	numbers.UseNumber()
	if err := numbers.Decode(&v); err != nil {
		w.Fatal(err)
	}
	change(object(v, "signed"))
	text, err := json.Marshal(v["signed"])
	if err != nil {
		w.Fatal(err)
	}
	digest := sha256.Sum256(text)
	sig, err := ecdsa.SignASN1(rand.Reader, thief(w), digest[:])
	if err != nil {
		w.Fatal(err)
	}
	v["signatures"].([]any)[0].(map[string]any)["sig"] = hex.EncodeToString(sig)
	if data, err = json.Marshal(v); err == nil {
		err = os.WriteFile(path, data, 0o644)
	}
	if err != nil {
		w.Fatal(err)
	}
}

// TestOnlineKey_Stolen has somebody with the online key sign a timestamp.
func TestOnlineKey_Stolen(t *testing.T) {
	version := func(n int64) func(map[string]any) {
		return func(signed map[string]any) { signed["version"] = n }
	}
	expires := func(at string) func(map[string]any) {
		return func(signed map[string]any) { signed["version"], signed["expires"] = 2, at }
	}
	live := func(change func(map[string]any)) func(*world) {
		return func(w *world) {
			w.ok("tuf", "refresh", "--to", w.tmp+"/live")
			forged(w, w.tmp+"/live", change)
		}
	}
	own := func(change func(map[string]any)) func(*world) {
		return func(w *world) { forged(w, w.path("tuf"), change) }
	}
	signed := func(change func(map[string]any)) func(*world) {
		return func(w *world) {
			w.plug(tokenOf("token.json"), tokenOf("holder.json"))
			live(change)(w)
			w.ok("tuf", "stage", "targets", "--renew")
			w.ok("tuf", "sign", nextStaged, "--serial", fmt.Sprint(rehearsal.HolderSerial))
		}
	}
	refresh, publish := []string{"tuf", "refresh", "--to", "{tmp}/live"}, []string{"tuf", "publish", nextStaged, "--rehearsal", "--to", "{tmp}/live"}
	repair := []string{"docs/tuf.md"}
	century := expires("9999-01-01T00:00:00Z")
	rows := []row{
		{name: "the highest version, refreshed", do: live(version(math.MaxInt64)), args: refresh, code: 5, words: repair, never: []string{"-9223372036854775808"}},
		{name: "the highest version, published", do: signed(version(math.MaxInt64)), args: publish, code: 5, words: repair, never: []string{"-9223372036854775808"}},
		{name: "the highest version in tuf/", do: own(version(math.MaxInt64)), args: []string{"tuf", "refresh"}, code: 5, words: repair},
		{name: "a version that jumped", do: live(version(10_100)), args: refresh, code: 5, words: repair},
		{name: "a version of another machine's timer", do: live(version(20)), args: refresh, code: 0, check: func(w *world) {
			if !regexp.MustCompile(`"version":20[,}]`).Match(w.read("tuf/timestamp.json")) {
				w.Error("it is not taken over")
			}
		}},
		{name: "a century, refreshed", do: live(century), args: refresh, code: 5, words: repair},
		{name: "a century, published", do: signed(century), args: publish, code: 5, words: repair},
		{name: "a century in tuf/, refreshed", do: own(century), args: []string{"tuf", "refresh"}, code: 5, words: repair},
		{name: "a century, verified", do: live(century), args: []string{"tuf", "verify", "{tmp}/live", "--root", "{dir}/tuf/1.root.json", "--rehearsal"}, code: 5, words: []string{"9999-01-01"}},
		{name: "a century, in status", do: own(century), args: []string{"status"}, code: -2, words: []string{"9999-01-01"}},
	}
	play(t, rows)
}

// TestOnlineKey_Repair walks the documented repair: another key, and a root
// without the stolen one.
func TestOnlineKey_Repair(t *testing.T) {
	for name, change := range map[string]func(map[string]any){
		"version": func(v map[string]any) { v["version"] = int64(math.MaxInt64) },
		"expiry":  func(v map[string]any) { v["version"], v["expires"] = 2, "9999-01-01T00:00:00Z" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.plug(tokenOf("token.json"), tokenOf("holder.json"))
			w.ok("tuf", "refresh", "--to", w.tmp+"/live")
			forged(w, w.tmp+"/live", change)
			old := regexp.MustCompile(`(online_key:\n +generation: )1\n +key: \S+\n +spki_sha256: \S+\n`)
			w.write("pki.yaml", old.ReplaceAll(w.read("pki.yaml"), []byte("${1}2\n")))
			pin := regexp.MustCompile(`(?m)^key: \S+\nspki_sha256: \S+$`).FindString(w.ok("kms", "create"))
			w.replace("pki.yaml", "    generation: 2\n", "    generation: 2\n    "+strings.ReplaceAll(pin, "\n", "\n    ")+"\n")
			w.ok("tuf", "stage", "root", "--drop-online-key")
			w.ok("tuf", "sign", nextStaged, "--serial", fmt.Sprint(rehearsal.HolderSerial))
			w.ok("tuf", "publish", nextStaged, "--rehearsal", "--to", w.tmp+"/live")
			sameAs("live")(w)
		})
	}
}

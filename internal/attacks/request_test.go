//go:build linux && cgo

package attacks

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/rehearsal"
)

// TestRequest_IsCanonical grinds what need not vary: nothing beside what the
// second person reviewed goes into the words.
func TestRequest_IsCanonical(t *testing.T) {
	create := []string{"request", "create", "--out", "{tmp}"}
	change := func(name, old, text string) func(*world) {
		return func(w *world) {
			unaccepted(w)
			w.replace(name, old, text)
		}
	}
	const evidence, csr = "authorities/fulcio/g1/key.json", "authorities/fulcio/g1/request.csr"
	nothing := func(w *world) {
		left, err := os.ReadDir(w.tmp)
		if err != nil || len(left) > 0 {
			w.Errorf("%v: left: %v", err, left)
		}
	}
	var rows []row
	add := func(name string, code int, word string, do func(*world)) {
		rows = append(rows, row{name: name, do: do, args: create, code: code, words: []string{word}, check: nothing})
	}
	add("a field more in key.json", -1, "key.json", change(evidence, `"arn"`, `"nonce": "1", "arn"`))
	add("white space in key.json", -1, "key.json", change(evidence, `"arn":`, `"arn" :`))
	add("a field twice in key.json", -1, "key.json", change(evidence, `"spki_sha256"`, `"arn": "x", "spki_sha256"`))
	add("text before the request's PEM", -1, "request.csr", change(csr, "-----BEGIN", "nonce 1\n-----BEGIN"))
	add("text after the request's PEM", -1, "request.csr", func(w *world) {
		unaccepted(w)
		w.write(csr, append(w.read(csr), "nonce 1\n"...))
	})
	add("a header in the request's PEM", -1, "request.csr", change(csr, "REQUEST-----\nMII", "REQUEST-----\nNonce: 1\n\nMII"))
	rows = append(rows, row{name: "the day of another year", args: create, code: -1, words: []string{"day"}, check: nothing, do: func(w *world) {
		unaccepted(w)
		w.replace("pki.yaml", `day: "2026-`, `day: "2036-`)
	}})
	play(t, rows)
}

// TestRequest_ChangedOnTheStick changes the stick's request and its sums with
// it, as whoever carries it can.
func TestRequest_ChangedOnTheStick(t *testing.T) {
	on := func(change func(w *world, dir string)) func(*world) {
		return func(w *world) {
			if out, err := exec.Command("tar", "-xf", w.path("rehearsal/usb/0001-founding.tar"), "-C", w.tmp).CombinedOutput(); err != nil {
				w.Fatalf("%v\n%s", err, out)
			}
			dir := filepath.Join(w.tmp, "0001-founding")
			change(w, dir)
			sums := exec.Command("sh", "-c", `rm SHA256SUMS; sums=$(find . -type f | sed 's,^./,,' | LC_ALL=C sort | xargs sha256sum); echo "$sums" >SHA256SUMS`)
			sums.Dir = dir
			if out, err := sums.CombinedOutput(); err != nil {
				w.Fatalf("%v\n%s", err, out)
			}
			w.plug(tokenOf("token.json"))
		}
	}
	edit := func(name, old, text string) func(*world) {
		return on(func(w *world, dir string) {
			path := filepath.Join(dir, name)
			data, err := os.ReadFile(path)
			if err != nil || !strings.Contains(string(data), old) {
				w.Fatalf("%v: %s does not hold %q", err, name, old)
			}
			if err := os.WriteFile(path, []byte(strings.Replace(string(data), old, text, 1)), 0o644); err != nil {
				w.Fatal(err)
			}
		})
	}
	folder := "{tmp}/0001-founding"
	run := []string{"ceremony", "run", folder, "--serial", "32000001", "--out", "{tmp}", "--rehearsal", "--allow-network"}
	show := []string{"request", "show", folder}
	wrong := func(screen string) string {
		if strings.Contains(screen[strings.LastIndex(screen, "\n")+1:], "from the paper") {
			return "aardvark"
		}
		return yes(screen)
	}
	var rows []row
	for what, do := range map[string]func(*world){
		"a field more in key.json":     edit("authorities/fulcio/g1/key.json", `"arn"`, `"nonce":"1","arn"`),
		"text before a PEM":            edit("authorities/fulcio/g1/request.csr", "-----BEGIN", "x\n-----BEGIN"),
		"a file more":                  on(func(w *world, dir string) { _ = os.WriteFile(filepath.Join(dir, "nonce"), nil, 0o644) }),
		"a field more in request.json": edit("request.json", `"sequence"`, `"nonce":"1","sequence"`),
		"made on another day":          edit("request.json", `"created": "20`, `"created": "19`),
	} {
		rows = append(rows,
			row{name: what + ", shown", do: do, args: show, code: -1, never: []string{"In numbered words"}},
			row{name: what + ", run", program: "trustroot-offline", do: do, args: run, code: -1, never: []string{"from the paper", rehearsal.PIN}})
	}
	rows = append(rows,
		row{name: "as it is, shown", do: on(func(*world, string) {}), args: show, code: 0, words: []string{"In numbered words"}},
		row{name: "a comment in the plan has other words", do: edit("pki.yaml", "version: 1", "# 1\nversion: 1"), program: "trustroot-offline", args: run, typed: wrong, code: 5,
			words: []string{"this is not the request that was reviewed"}})
	play(t, rows)
}

// TestFirst_EveryEntryIsShown stages the first root and targets anew.
func TestFirst_EveryEntryIsShown(t *testing.T) {
	anew := func(w *world) {
		for _, name := range []string{"tuf", "staged"} {
			if err := os.RemoveAll(w.path(name)); err != nil {
				w.Fatal(err)
			}
		}
		w.plug(tokenOf("token.json"), tokenOf("holder.json"))
	}
	entries := []string{"https://rekor.example.com", "https://ctlog.example.com/2026", "https://fulcio.example.com", "https://tsa.example.com/api/v1/timestamp", "root certificate, SHA-256"}
	staged := func(w *world) {
		anew(w)
		w.ok("tuf", "init")
	}
	sign := []string{"tuf", "sign", "staged/0001", "--serial", "32000002"}
	play(t, []row{
		{name: "when it is staged", do: anew, args: []string{"tuf", "init"}, code: 0, words: entries},
		{name: "when it is signed", do: staged, args: sign, code: 0, words: entries},
		{name: "another root in it", args: sign, code: 5, words: []string{"differs from what ledger and plan say"}, do: func(w *world) {
			staged(w)
			old := w.read(servedRoot)
			evilLog(w)
			data := w.read(servedRoot)
			w.write(servedRoot, old)
			w.target("staged/0001", "1.targets.json", "trusted_root.json", data)
		}},
		{name: "shown where there is nothing to compare with", args: append(sign[:2:2], "{tmp}/copy", "--serial", "32000002", "--dir", "{tmp}"), code: 0, words: []string{"https://evil.example.com"}, do: func(w *world) {
			staged(w)
			evilLog(w)
			w.target("staged/0001", "1.targets.json", "trusted_root.json", w.read(servedRoot))
			w.copyFolder(w.path("staged/0001"), w.tmp+"/copy")
		}},
		{name: "a root that holds none", do: func(w *world) {
			staged(w)
			w.target("staged/0001", "1.targets.json", "trusted_root.json", []byte("{}"))
		}, args: sign, code: 5, words: []string{"trusted_root.json"}},
	})
}

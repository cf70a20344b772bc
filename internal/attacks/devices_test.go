//go:build linux && cgo

package attacks

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/rehearsal"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

// TestCards plugs in cards that lie.
func TestCards(t *testing.T) {
	endless := func(at int) func(*world) {
		return func(w *world) {
			o := tokenOf("holder.json")
			o.Faults = []virtual.Fault{{At: at, Kind: virtual.FaultEndless}}
			w.plug(o)
		}
	}
	serial := fmt.Sprint(rehearsal.HolderSerial)
	var rows []row
	for _, at := range []int{1, 12} {
		rows = append(rows, row{
			name: fmt.Sprintf("more follows from exchange %d", at), do: endless(at), args: []string{"token", "info", "--serial", serial}, code: 4,
			words: []string{"trustroot: hint: "}, within: 90 * time.Second,
		})
	}
	for _, signal := range []string{"TERM", "INT"} {
		rows = append(rows, row{
			name: "more follows for ever, " + signal, do: endless(1), under: []string{"timeout", "--foreground", "--preserve-status", "-s", signal, "1"},
			args: []string{"token", "list"}, code: -1, within: 8 * time.Second,
		})
	}
	twice := func(w *world) {
		o := tokenOf("token.json")
		o.Claim = rehearsal.HolderSerial
		w.plug(o, tokenOf("holder.json"))
	}
	for _, args := range [][]string{
		{"token", "info", "--serial", serial}, {"token", "sign-test", "--serial", serial, "--slot", "9a"}, {"token", "provision", "--serial", serial},
	} {
		rows = append(rows, row{
			name: "two readers with one serial number, " + args[1], do: twice, args: args, code: 4,
			words: []string{"two tokens say that their serial number is " + serial}, never: []string{"PIN"},
		})
	}
	play(t, rows)
}

// TestWords types from a paper that is of another request.
func TestWords(t *testing.T) {
	stick := func(w *world) {
		if out, err := exec.Command("cp", w.path("rehearsal/usb/0001-founding.tar"), w.tmp).CombinedOutput(); err != nil {
			w.Fatalf("%v\n%s", err, out)
		}
		w.plug(tokenOf("token.json"))
	}
	args := []string{"ceremony", "run", "{tmp}/0001-founding.tar", "--serial", fmt.Sprint(rehearsal.Serial), "--out", "{tmp}", "--rehearsal", "--allow-network"}
	nothing := func(w *world) {
		left, err := os.ReadDir(w.tmp)
		if err != nil {
			w.Fatal(err)
		}
		for _, e := range left {
			if !strings.HasSuffix(e.Name(), ".unfinished") && e.Name() != "0001-founding.tar" {
				w.Errorf("%s is left", e.Name())
			}
		}
	}
	var rows []row
	for what, word := range map[string]string{"a word of none": "no answer is known", "a hostile word": "abandon\x1b[2J", "nothing": ""} {
		rows = append(rows, row{
			name: what, do: stick, program: "trustroot-offline", args: args, code: 5, never: raw, check: nothing,
			words: []string{"3 wrong words", "this is not the request that was reviewed; nothing was made", "When a word is wrong"},
			typed: func(screen string) string {
				if strings.HasSuffix(screen, "from the paper: ") || strings.Contains(screen[strings.LastIndex(screen, "\n")+1:], "from the paper") {
					return word
				}
				return yes(screen)
			},
		})
	}
	play(t, rows)
}

// TestKMS_AnothersKey makes a key in an account where another trust directory
// made one under the same alias.
func TestKMS_AnothersKey(t *testing.T) {
	made := regexp.MustCompile(`(?m)^ +(key|spki_sha256): .*\n`)
	others := func(change func([]ledger.Entry) []ledger.Entry) func(*world) {
		return func(w *world) {
			unaccepted(w)
			before, after, _ := strings.Cut(string(w.read("pki.yaml")), "\n  fulcio:")
			fulcio, after, _ := strings.Cut(after, "\n  tsa:")
			w.write("pki.yaml", []byte(before+"\n  fulcio:"+made.ReplaceAllString(fulcio, "")+"\n  tsa:"+after))
			w.ok("kms", "create", "--alias-prefix", "x")
			rewrite(change)(w)
		}
	}
	// planted has the key's policy name a stranger.
	planted := func(w *world) {
		others(func(e []ledger.Entry) []ledger.Entry { return e })(w)
		if err := w.kms.Close(); err != nil {
			w.Fatal(err)
		}
		w.edit("rehearsal/kms.json", func(v map[string]any) {
			for _, key := range v["keys"].(map[string]any) {
				if key := key.(map[string]any); object(key, "tags")["trustroot:alias"] == "alias/x/authorities/fulcio/g1" {
					key["policy"] = strings.Replace(key["policy"].(string), `"arn:aws:iam::111122223333:root"`, `["arn:aws:iam::111122223333:root","arn:aws:iam::999988887777:root"]`, 1)
				}
			}
		})
		w.startKMS()
	}
	stranger := []string{"its key policy names", "999988887777", "nothing was made"}
	play(t, []row{
		{name: "a stranger's in its policy", do: planted, args: []string{"kms", "create", "--alias-prefix", "x"}, code: 5, words: stranger},
		{name: "two generations of one key, pinned", args: []string{"kms", "list", "--pin"}, code: 0, do: func(w *world) {
			plan := string(w.read("pki.yaml"))
			from := strings.Index(plan, "\n  fulcio:")
			begin := from + strings.Index(plan[from:], "      - generation: 1\n")
			end := begin + strings.Index(plan[begin:], "\n\n") + 1
			second := strings.Replace(plan[begin:end], "generation: 1", "generation: 2", 1)
			w.write("pki.yaml", []byte(plan[:end]+second+plan[end:]))
		}},
		{name: "one key of two authorities", args: []string{"kms", "list"}, code: 2, words: []string{"authorities.tsa.generations[0].key", "one key never serves two"}, do: func(w *world) {
			keys := regexp.MustCompile(`(?m)^        key: (\S+)$`).FindAllStringSubmatch(string(w.read("pki.yaml")), 2)
			w.replace("pki.yaml", keys[1][1], keys[0][1])
		}},
		{
			name: "another directory's", do: others(anotherTime), args: []string{"kms", "create", "--alias-prefix", "x"}, code: 5,
			words: []string{"alias/x/authorities/fulcio/g1 exists, and is not a key of this trust directory", "nothing was made"},
		},
		{
			name: "another organization's", args: []string{"kms", "create", "--alias-prefix", "x"}, code: 5, words: []string{"alias/x/authorities/fulcio/g1 exists", "nothing was made"}, do: func(w *world) {
				others(func(e []ledger.Entry) []ledger.Entry { return e })(w)
				w.replace("pki.yaml", "organization: example.com REHEARSAL", "organization: example.net REHEARSAL")
			},
		},
		{
			name: "our own", do: others(func(e []ledger.Entry) []ledger.Entry { return e }), args: []string{"kms", "create", "--alias-prefix", "x"}, code: 0,
			words: []string{"every key was made before", "# authorities/fulcio g1"},
		},
	})
}

// TestKMS_Policies has the section that the plan's template shows, and keys
// whose policies say something else.
func TestKMS_Policies(t *testing.T) {
	shown := func(w *world) {
		text := string(w.read("pki.yaml"))
		begin, end := strings.Index(text, "# kms:\n"), strings.Index(text, "\n\n# Another instance's")
		if begin < 0 || end < begin {
			w.Fatal("the template shows no kms section")
		}
		w.write("pki.yaml", []byte(text[:begin]+strings.TrimPrefix(strings.ReplaceAll(text[begin:end], "\n# ", "\n"), "# ")+text[end:]))
	}
	asked := func(w *world) { // by whoever holds the keys' account
		unaccepted(w)
		shown(w)
		w.write("pki.yaml", regexp.MustCompile(`(?m)^  role: .*\n`).ReplaceAll(w.read("pki.yaml"), nil))
	}
	differs := []string{"authorities/fulcio g1", "nothing was written"}
	play(t, []row{
		{name: "the template's section", do: shown, args: []string{"plan", "check"}, code: 0},
		{name: "a policy as it gives", do: shown, args: []string{"kms", "policy", "fulcio"}, code: 0, words: []string{"arn:aws:iam::444455556666:role/fulcio"}},
		{name: "the plan's template without it", do: unaccepted, args: []string{"kms", "csr"}, code: 0, never: []string{"key policy"}},
		{name: "the whole account, at a request", do: asked, args: []string{"request", "create", "--out", "{tmp}"}, code: 5, words: differs},
		{name: "the whole account, at a certification request", do: asked, args: []string{"kms", "csr"}, code: 5, words: differs},
		{name: "a policy that cannot be read", do: func(w *world) {
			asked(w)
			w.env = append(w.env, "AWS_ENDPOINT_URL_KMS=http://127.0.0.1:9", "AWS_ENDPOINT_URL_STS=http://127.0.0.1:9", "AWS_MAX_ATTEMPTS=1")
		}, args: []string{"request", "create", "--out", "{tmp}"}, code: 0, words: []string{"its key policy was not checked"}},
	})
}

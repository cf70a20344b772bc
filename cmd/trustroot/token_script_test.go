package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// tokenCommands are what the scripts about tokens have beside the standard
// commands.
func tokenCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"plugged":         plugged,
		"alter":           alter,
		"card":            card,
		"holds":           holds,
		"single-targets":  singleTargets,
		"published-forms": publishedForms,
	}
}

// plugged FILE waits until a virtual token, started in the background, has
// written its variable to FILE, and sets it.
func plugged(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: plugged FILE")
	}
	for range 300 {
		data, err := os.ReadFile(ts.MkAbs(args[0]))
		if name, value, ok := strings.Cut(strings.TrimSpace(string(data)), "="); err == nil && ok && bytes.HasSuffix(data, []byte("\n")) {
			ts.Setenv(name, value)
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	ts.Fatalf("no virtual token is plugged in after 15 seconds")
}

// card STATE KEY gives a virtual token another management key, in hex; a slot in
// place of it is emptied, or has a P-384 key imported from a file.
func card(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: card STATE KEY|SLOT [FILE]")
	}
	var state struct {
		Keys       map[string]any `json:"keys"`
		Management map[string]any `json:"management"`
	}
	all := map[string]any{}
	ts.Check(errors.Join(json.Unmarshal([]byte(ts.ReadFile(args[0])), &state), json.Unmarshal([]byte(ts.ReadFile(args[0])), &all)))
	if key, err := hex.DecodeString(args[1]); err == nil && len(key) > 1 {
		state.Management["key"] = key
	}
	delete(state.Keys, args[1])
	if len(args) > 2 {
		state.Keys[args[1]] = map[string]any{"algorithm": 0x14, "origin": 2, "pin": 3, "touch": 1, "pkcs8": []byte(ts.ReadFile(args[2]))}
	}
	all["keys"], all["management"] = state.Keys, state.Management
	text, err := json.Marshal(all)
	ts.Check(errors.Join(err, os.WriteFile(ts.MkAbs(args[0]), text, 0o600)))
}

// alter IN OUT OLD NEW writes a PEM file with some bytes replaced, both in hex.
func alter(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: alter IN OUT OLD NEW")
	}
	block, _ := pem.Decode([]byte(ts.ReadFile(args[0])))
	if block == nil {
		ts.Fatalf("%s holds no PEM", args[0])
	}
	before, err := hex.DecodeString(args[2])
	ts.Check(err)
	after, err := hex.DecodeString(args[3])
	ts.Check(err)
	if len(before) != len(after) || bytes.Count(block.Bytes, before) != 1 {
		ts.Fatalf("%s holds %s %d times", args[0], args[2], bytes.Count(block.Bytes, before))
	}
	block.Bytes = bytes.Replace(block.Bytes, before, after, 1)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), pem.EncodeToMemory(block), 0o600))
}

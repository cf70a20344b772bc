package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/needs"
)

// browser is a headless Chromium, spoken to over its two debugging pipes
// (Chrome DevTools protocol: JSON texts, each ended by a zero byte).
type browser struct {
	t       *testing.T
	in      io.Writer
	out     *bufio.Reader
	session string
	id      int
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	needs.Program(t, "chromium")
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal(err)
	}
	readIn, writeIn, err := os.Pipe()
	must(t, err)
	readOut, writeOut, err := os.Pipe()
	must(t, err)
	cmd := exec.Command(path, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
		"--remote-debugging-pipe", "--user-data-dir="+t.TempDir())
	cmd.ExtraFiles = []*os.File{readIn, writeOut}
	must(t, cmd.Start())
	must(t, errors.Join(readIn.Close(), writeOut.Close()))
	b := &browser{t: t, in: writeIn, out: bufio.NewReaderSize(readOut, 1<<20)}
	t.Cleanup(func() {
		b.call("Browser.close", nil)
		must(t, writeIn.Close())
		must(t, cmd.Wait())
		must(t, readOut.Close())
	})
	return b
}

type message struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

func (b *browser) read() message {
	b.t.Helper()
	text, err := b.out.ReadBytes(0)
	must(b.t, err)
	var m message
	must(b.t, json.Unmarshal(text[:len(text)-1], &m))
	return m
}

// call sends a command and returns its result.
func (b *browser) call(method string, params map[string]any) map[string]any {
	b.t.Helper()
	b.id++
	command := map[string]any{"id": b.id, "method": method, "params": params}
	if params == nil {
		command["params"] = map[string]any{}
	}
	if b.session != "" && method != "Browser.close" {
		command["sessionId"] = b.session
	}
	text, err := json.Marshal(command)
	must(b.t, err)
	_, err = b.in.Write(append(text, 0))
	must(b.t, err)
	for {
		m := b.read()
		if m.ID != b.id {
			continue
		}
		if m.Error != nil {
			b.t.Fatalf("%s: %s", method, m.Error.Message)
		}
		result := map[string]any{}
		must(b.t, json.Unmarshal(m.Result, &result))
		return result
	}
}

// must ends the test at an error.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// sheet is a size and a medium to look at a page in.
type sheet struct {
	name          string
	width, height int
	phone, print  bool
	dark          bool
}

// open shows a page in a new tab.
func (b *browser) open(url string, s sheet) {
	b.t.Helper()
	b.session = ""
	target := b.call("Target.createTarget", map[string]any{"url": "about:blank"})
	attached := b.call("Target.attachToTarget", map[string]any{"targetId": target["targetId"], "flatten": true})
	session, ok := attached["sessionId"].(string)
	if !ok {
		b.t.Fatalf("no session: %v", attached)
	}
	b.session = session
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": s.width, "height": s.height, "deviceScaleFactor": 1, "mobile": s.phone})
	b.call("Emulation.setEmulatedMedia", map[string]any{"media": map[bool]string{true: "print", false: "screen"}[s.print],
		"features": []map[string]string{{"name": "prefers-color-scheme", "value": map[bool]string{true: "dark", false: "light"}[s.dark]}}})
	b.call("Page.enable", nil)
	b.call("Page.navigate", map[string]any{"url": url})
	for b.evaluate("document.readyState + location.href") != "complete"+url {
		continue
	}
}

// shot is a picture of the whole page, and goes to the folder that
// CEREMONY_SCREENSHOTS names, for somebody who wants to look.
func (b *browser) shot(name string) {
	b.t.Helper()
	data, ok := b.call("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true})["data"].(string)
	if !ok {
		b.t.Fatal("no screenshot")
	}
	png, err := base64.StdEncoding.DecodeString(data)
	must(b.t, err)
	if len(png) < 20_000 {
		b.t.Errorf("the screenshot %s has only %d bytes", name, len(png))
	}
	if dir := os.Getenv("CEREMONY_SCREENSHOTS"); dir != "" {
		must(b.t, os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644))
	}
}

// evaluate runs an expression in the page and returns its text.
func (b *browser) evaluate(expression string) string {
	b.t.Helper()
	r := b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true})
	result, ok := r["result"].(map[string]any)
	if !ok || r["exceptionDetails"] != nil {
		b.t.Fatalf("evaluate: %v", r)
	}
	return fmt.Sprint(result["value"])
}

package services

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/needs"
	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/internal/testpki/sigstore"
	"github.com/linnemanlabs/trustroot/pki/anchor"
	"github.com/linnemanlabs/trustroot/pki/checkpoint"
	"github.com/linnemanlabs/trustroot/pki/trustedroot/world"
)

// harbour is a timestamp authority and a log over HTTP, and a statement.
type harbour struct {
	t        *testing.T
	services *world.Services
	root     *x509.Certificate
	log      *sigstore.Log
	clock    time.Time
	tsa      *httptest.Server
	rekor    *httptest.Server
	subject  anchor.Subject
	said     []string
}

func newHarbour(t *testing.T) *harbour {
	t.Helper()
	h := &harbour{t: t, clock: time.Now().UTC().Truncate(time.Second)}
	var err error
	if h.services, h.root, err = sigstore.Fresh("rekor.example.com", h.clock); err != nil {
		t.Fatal(err)
	}
	h.log = sigstore.NewLog(h.services)
	h.tsa = httptest.NewServer(sigstore.TimestampHandler(h.services, func() time.Time { return h.clock }))
	t.Cleanup(h.tsa.Close)
	h.rekor = httptest.NewServer(h.log)
	t.Cleanup(h.rekor.Close)
	h.subject = statement(t, "{\"_type\":\"https://in-toto.io/Statement/v1\"}\n", h.root, h.clock)
	return h
}

// statement signs a text as a record key does.
func statement(t *testing.T, text string, root *x509.Certificate, at time.Time) anchor.Subject {
	t.Helper()
	key := testpki.Key(t, elliptic.P256())
	spki := testpki.SPKI(t, key.Public())
	digest := sha256.Sum256(dsse.PAE("application/vnd.in-toto+json", []byte(text)))
	sig, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	envelope, err := json.MarshalIndent(dsse.Envelope{
		PayloadType: "application/vnd.in-toto+json", Payload: base64.StdEncoding.EncodeToString([]byte(text)),
		Signatures: []dsse.Signature{{KeyID: fmt.Sprintf("%x", sha256.Sum256(spki)), Sig: base64.StdEncoding.EncodeToString(sig)}},
	}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return anchor.Subject{Envelope: envelope, Key: &key.PublicKey, Root: root, Complete: at}
}

func (h *harbour) anchorage() Anchorage {
	h.t.Helper()
	key, err := checkpoint.New(checkpoint.RekorV2, "rekor.example.com", h.services.RekorKey.Public())
	if err != nil {
		h.t.Fatal(err)
	}
	return Anchorage{
		TSA: h.tsa.URL + "/api/v1/timestamp", Rekor: h.rekor.URL, Logs: []checkpoint.Key{key},
		Say: func(format string, a ...any) { h.said = append(h.said, fmt.Sprintf(format, a...)) },
	}
}

// fill puts other entries into the log.
func (h *harbour) fill(n int) {
	h.t.Helper()
	for range n {
		body := make([]byte, 16)
		rand.Read(body) // it never fails
		if _, err := h.log.Add(body); err != nil {
			h.t.Fatal(err)
		}
	}
}

func (h *harbour) anchor(a Anchorage) (map[string][]byte, *anchor.Anchor) {
	h.t.Helper()
	files, made, err := a.Anchor(h.t.Context(), h.subject)
	if err != nil {
		h.t.Fatal(err)
	}
	return files, made
}

// refused wants an error that says why, with this code, and a way out.
func (h *harbour) refused(a Anchorage, code fault.Code, why string) {
	h.t.Helper()
	files, _, err := a.Anchor(h.t.Context(), h.subject)
	if files != nil || err == nil || fault.ExitCode(err) != int(code) || !strings.Contains(err.Error(), why) || fault.Hint(err) == "" {
		h.t.Errorf("want exit code %d and %q, got %d: %v (hint: %s)", code, why, fault.ExitCode(err), err, fault.Hint(err))
	}
}

func TestAnchor_IsProvedAndOpensslAgrees(t *testing.T) {
	needs.Program(t, "openssl")
	h := newHarbour(t)
	h.fill(700)
	files, made := h.anchor(h.anchorage())
	if made.Index != 700 || made.Size != 701 || !made.Time.Equal(h.clock) || made.TSA != "TSA" || made.Origin != "rekor.example.com" {
		t.Errorf("%+v", made)
	}
	again, err := anchor.Verify(made.Name, files, h.subject)
	if err != nil || again.Index != made.Index {
		t.Errorf("%+v: %v", again, err)
	}
	dir := t.TempDir()
	parts, err := h.subject.Parts()
	if err != nil {
		t.Fatal(err)
	}
	files["statement"] = parts.Statement
	files["root.pem"] = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.root.Raw})
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"openssl", "ts", "-verify", "-data", "statement", "-in", anchor.TimestampFile, "-CAfile", "root.pem", "-untrusted", anchor.ChainFile},
		{"sha256sum", "--strict", "--check", "SHA256SUMS"},
	} {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
}

func TestAnchor_SecondTime(t *testing.T) {
	h := newHarbour(t)
	h.fill(3)
	_, first := h.anchor(h.anchorage())
	h.clock = h.clock.Add(time.Hour)
	a := h.anchorage()
	a.Known = []anchor.Entry{first.Entry}
	_, second := h.anchor(a)
	if second.Index != first.Index || second.Name == first.Name || len(h.said) != 1 || !strings.Contains(h.said[0], "earlier anchor") {
		t.Errorf("%+v after %+v: %q", second, first, h.said)
	}
	// without the earlier anchor the log's own tiles prove the entry, in the
	// larger tree that it is in by now
	for _, more := range []int{0, 1, 251, 1, 900} {
		h.fill(more)
		_, third := h.anchor(h.anchorage())
		if third.Index != first.Index || third.Size < first.Size+int64(more) {
			t.Errorf("%+v", third)
		}
	}
	// a log that takes entries and shows none
	a.Known, a.Rekor = nil, liar(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			w.WriteHeader(http.StatusNotImplemented)
			return
		}
		h.log.ServeHTTP(w, r)
	}), func(answer []byte) []byte { return answer })
	h.refused(a, fault.Failure, "as entry 3, and its proof cannot be read")
}

func TestAnchor_Refuses(t *testing.T) {
	h := newHarbour(t)
	other := newHarbour(t)

	a := h.anchorage()
	a.TSA = other.tsa.URL
	h.refused(a, fault.Verification, "a record is judged by its own root alone")
	h.clock = h.subject.Complete.Add(-2 * time.Second)
	h.refused(h.anchorage(), fault.Verification, "a clock is wrong")
	h.clock = h.subject.Complete

	// where the timestamp does not hold, nothing is logged
	h.fill(1)
	if _, made := h.anchor(h.anchorage()); made.Index != 1 {
		t.Errorf("the log had %d entries", made.Index)
	}

	a = h.anchorage()
	a.Rekor = other.rekor.URL
	h.refused(a, fault.Verification, "the ledger knows rekor.example.com")
	a = h.anchorage()
	a.Logs = nil
	h.refused(a, fault.Verification, "the ledger knows")
}

func TestAnchor_NoServices(t *testing.T) {
	h := newHarbour(t)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	a := h.anchorage()
	a.TSA = gone.URL
	h.refused(a, fault.Failure, "the timestamp authority at "+gone.URL+" does not answer")
	a = h.anchorage()
	a.Rekor = gone.URL
	h.refused(a, fault.Failure, "the log at "+gone.URL+"/api/v2/log/entries does not answer")
	a.Rekor = h.tsa.URL
	h.refused(a, fault.Failure, "refuses")
	a = h.anchorage()
	a.TSA = "http://127.0.0.1:0/\x7f"
	h.refused(a, fault.Usage, "invalid control character")
}

// liar changes what a service answers.
func liar(t *testing.T, honest http.Handler, change func([]byte) []byte) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		honest.ServeHTTP(answer, r)
		if index := answer.Header().Get("x-log-index"); index != "" {
			w.Header().Set("x-log-index", index)
		}
		w.WriteHeader(answer.Code)
		w.Write(change(answer.Body.Bytes()))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestAnchor_WrongAnswers(t *testing.T) {
	h := newHarbour(t)
	for why, change := range map[string]func([]byte) []byte{
		"asn1":              func([]byte) []byte { return []byte("<html>") },
		"more than 1048576": func([]byte) []byte { return make([]byte, maxAnswer+1) },
	} {
		a := h.anchorage()
		a.TSA = liar(t, sigstore.TimestampHandler(h.services, time.Now), change)
		if _, _, err := a.Anchor(t.Context(), h.subject); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("want %q, got %v", why, err)
		}
	}
	replay, _ := h.anchor(h.anchorage())
	a := h.anchorage()
	a.TSA = liar(t, sigstore.TimestampHandler(h.services, time.Now), func([]byte) []byte { return replay[anchor.TimestampFile] })
	h.refused(a, fault.Verification, "another request")

	// a log that answers with the entry of somebody else's statement
	foreign := statement(t, "other\n", h.root, h.clock)
	parts, err := foreign.Parts()
	if err != nil {
		t.Fatal(err)
	}
	log := sigstore.NewLog(h.services)
	honest := httptest.NewServer(log)
	t.Cleanup(honest.Close)
	entry, err := askRekor(t.Context(), honest.URL, parts)
	if err != nil {
		t.Fatal(err)
	}
	swapped := func(edit func(m map[string]any)) string {
		return liar(t, sigstore.NewLog(h.services), func(answer []byte) []byte {
			var m map[string]any
			if err := json.Unmarshal(answer, &m); err != nil {
				t.Error(err)
			}
			edit(m)
			out, _ := json.Marshal(m)
			return out
		})
	}
	for why, edit := range map[string]func(m map[string]any){
		"another entry: the log holds one over the digest": func(m map[string]any) { m["canonicalizedBody"] = entry.Body },
		"the inclusion proof does not hold": func(m map[string]any) {
			m["inclusionProof"].(map[string]any)["hashes"] = [][]byte{make([]byte, 32)}
		},
		"about a tree of 7":        func(m map[string]any) { m["inclusionProof"].(map[string]any)["treeSize"] = "7" },
		"gives no inclusion proof": func(m map[string]any) { delete(m, "inclusionProof") },
		"is this Rekor v2":         func(m map[string]any) { m["kindVersion"] = map[string]string{"kind": "dsse", "version": "0.0.1"} },
		"the checkpoint does not": func(m map[string]any) {
			setCheckpoint(m, "rekor.example.com\n1\n"+strings.Repeat("A", 43)+"=\n\n— x AAAA\n")
		},
		"it answers as the log evil": func(m map[string]any) { setCheckpoint(m, "evil.example.com\n") },
	} {
		a := h.anchorage()
		a.Rekor = swapped(edit)
		h.refused(a, fault.Verification, why)
	}
}

func setCheckpoint(m map[string]any, text string) {
	m["inclusionProof"].(map[string]any)["checkpoint"] = map[string]string{"envelope": text}
}

func TestAnchor_Cancelled(t *testing.T) {
	h := newHarbour(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := h.anchorage().Anchor(ctx, h.subject); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestAnchor_PasswordsOfAddressesAreNotShown(t *testing.T) {
	h := newHarbour(t)
	for _, change := range []func(*Anchorage){
		func(a *Anchorage) { a.TSA = "http://reader:opensesame@127.0.0.1:1/" },
		func(a *Anchorage) { a.TSA = strings.Replace(h.rekor.URL, "://", "://reader:opensesame@", 1) },
		func(a *Anchorage) { a.Rekor = strings.Replace(h.tsa.URL, "://", "://reader:opensesame@", 1) },
		func(a *Anchorage) {
			a.Rekor, a.Logs = strings.Replace(a.Rekor, "://", "://reader:opensesame@", 1), nil
		},
	} {
		a := h.anchorage()
		change(&a)
		_, _, err := a.Anchor(t.Context(), h.subject)
		if text := fmt.Sprint(err, fault.Hint(err), h.said); err == nil || strings.Contains(text, "opensesame") {
			t.Error(text)
		}
	}
}

package gate

import (
	"bytes"
	"crypto"
	"encoding/hex"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
)

// closeLog writes the trusted root again with another window of the log.
func (s *scene) closeLog(start, end time.Time) {
	s.t.Helper()
	tr, err := root.NewTrustedRootFromJSON(s.trustedRoot())
	if err != nil {
		s.t.Fatal(err)
	}
	id := logID(s.t, s.rekorKey)
	again, err := root.NewTrustedRoot(root.TrustedRootMediaType01, tr.FulcioCertificateAuthorities(), tr.CTLogs(), tr.TimestampingAuthorities(),
		map[string]*root.TransparencyLog{hex.EncodeToString(id): {BaseURL: "https://" + rekorHost, ID: id, ValidityPeriodStart: start, ValidityPeriodEnd: end,
			HashFunc: crypto.SHA256, PublicKey: s.rekorKey.Public(), SignatureHashFunc: crypto.SHA256}})
	if err != nil {
		s.t.Fatal(err)
	}
	data, err := again.MarshalJSON()
	if err != nil {
		s.t.Fatal(err)
	}
	s.write("trusted_root.json", data)
}

func TestVerify_LogKeyClosedBeforeTheSignature(t *testing.T) {
	s := newScene(t)
	s.closeLog(time.Now().Add(-24*time.Hour), time.Now().Add(-time.Hour))
	s.refused("key.log", "keyless.log")
	s.closeLog(time.Now().Add(time.Hour), time.Time{})
	s.refused("key.log", "keyless.log")
	s.closeLog(time.Now().Add(-24*time.Hour), time.Now().Add(time.Hour))
	if _, err := s.verify("key.json", "keyless.json"); err != nil {
		t.Errorf("a key that is closed after the signature: %v", err)
	}
}

func TestVerify_ArtifactIsAPipe(t *testing.T) {
	s := newScene(t)
	if err := syscall.Mkfifo(s.path("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := Artifact{Name: s.path("pipe")}.digest(t.Context(), nil)
		done <- err
	}()
	select {
	case err := <-done:
		if err == nil || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("a pipe: %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("it waits for who writes into the pipe")
	}
}

func TestReport_WordsOfABundleStayOnTheirLine(t *testing.T) {
	s := newScene(t)
	s.keylessOf(func(f *workflow) { f.name = "release\naccepted  app\x1b[2J" })
	r, err := s.verify("key.json", "keyless.json")
	if err == nil {
		t.Fatal("accepted")
	}
	r.Artifact.Path = "app\naccepted  other\x1b[2J" // as a file may be called
	err = errors.Join(err, r.verdict(false))
	var out strings.Builder
	if _, err := out.WriteString(r.Explain()); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{out.String(), err.Error()} {
		if strings.Contains(text, "\naccepted") || strings.Contains(text, "\x1b") || !strings.Contains(text, `release\naccepted  app\x1b[2J`) {
			t.Errorf("a bundle's words make lines of their own, or are not shown:\n%q", text)
		}
	}
}

func TestVerify_TimestampOfManyLevels(t *testing.T) {
	s := newScene(t)
	signature := s.byKey(s.appKey, app)
	stamp := s.stamp(signature.sig)
	stamp.Rfc3161Timestamps[0].SignedTimestamp = bytes.Repeat([]byte{0x30, 0x80}, 2_900_000)
	s.write("key.json", s.bundle(signature, s.entry(signature), stamp))
	s.refused("key.bundle")
}

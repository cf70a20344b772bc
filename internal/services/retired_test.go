package services

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/linnemanlabs/trustroot/pki/ledger"
)

func TestLastCheckpoint(t *testing.T) {
	s := newSite(t)
	server := httptest.NewServer(s.rekor)
	defer server.Close()
	data, err := s.source.LastCheckpoint(t.Context(), "rekor", 1, server.URL)
	if err != nil || !strings.HasPrefix(string(data), "rekor.example.com\n") {
		t.Fatalf("%q, %v", data, err)
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "checkpoint"), s.ct.checkpoint(), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.source.LastCheckpoint(t.Context(), "rekor", 1, folder); err == nil || !strings.Contains(err.Error(), "not of \"rekor.example.com\"") {
		t.Errorf("another log's checkpoint: %v", err)
	}
	forged := strings.Replace(string(data), "\n7\n", "\n8\n", 1)
	if forged == string(data) {
		forged = strings.Replace(string(data), "\n", "\n1", 1)
	}
	if err := os.WriteFile(filepath.Join(folder, "checkpoint"), []byte(forged), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.source.LastCheckpoint(t.Context(), "rekor", 1, folder); err == nil {
		t.Error("a checkpoint that its key did not sign is kept")
	}
	if _, err := s.source.LastCheckpoint(t.Context(), "rekor", 1, t.TempDir()); err == nil || !strings.Contains(err.Error(), "was not found") {
		t.Errorf("an empty folder: %v", err)
	}
}

func TestCheck_RetiredLogGrows(t *testing.T) {
	s := newSite(t)
	g := &s.source.State.Logs["rekor"][0]
	keep := func(data []byte) {
		sum := sha256.Sum256(data)
		s.files["last-checkpoint"] = &fstest.MapFile{Data: data}
		g.Retired = &ledger.Ended{Checkpoint: &ledger.File{Path: "last-checkpoint", SHA256: hex.EncodeToString(sum[:])}}
	}
	now := s.rekor.checkpoint()
	keep(bytes.Replace(now, []byte("\n7\n"), []byte("\n6\n"), 1))
	s.finds(Mismatch, "rekor", "retired-log-grows", "somebody appends under its key")
	keep(bytes.Replace(now, []byte("\n7\n"), []byte("\n7\nAA"), 1))
	s.finds(Unanswered, "rekor", "ledger-file", "cannot be compared")
	keep(now)
	s.agrees()
}

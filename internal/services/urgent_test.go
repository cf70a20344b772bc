package services

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/pki/ledger"
)

// recent is a publication whose second version, of two hours ago, is the first
// to carry what the stage has.
func recent(s *stage) {
	s.source.Published = &Publication{wait: 24 * time.Hour, versions: []version{
		{number: 2, published: now.Add(-2 * time.Hour), text: s.everything()},
		{number: 1, published: now.Add(-1000 * time.Hour), text: "before"},
	}}
}

func TestRender_UrgentDoesNotWait(t *testing.T) {
	s := newStage(t)
	recent(s)
	_, err := s.source.Render("fulcio", "tsa", "rekor", "tesseract")
	var early *EarlyError
	if !errors.As(err, &early) || !early.Ready.Equal(now.Add(22*time.Hour)) {
		t.Fatalf("not urgent: %v", err)
	}
	s.source.Urgent = true
	out, err := s.source.Render("fulcio", "tsa", "rekor", "tesseract")
	if err != nil {
		t.Fatal(err)
	}
	for _, service := range out {
		if !service.Early.Equal(now.Add(22 * time.Hour)) {
			t.Errorf("%s: early until %s", service.Name, service.Early)
		}
	}
}

func TestRender_UrgentIsNotEarlyForEver(t *testing.T) {
	s := newStage(t)
	recent(s)
	s.source.Urgent, s.source.Now = true, now.Add(22*time.Hour)
	out, err := s.source.Render("tsa")
	if err != nil {
		t.Fatal(err)
	}
	if !out[0].Early.IsZero() {
		t.Errorf("early until %s", out[0].Early)
	}
}

func TestRender_UrgentWantsItPublished(t *testing.T) {
	s := newStage(t)
	recent(s)
	s.source.Urgent = true
	s.source.Published.versions[0].text = "nothing of it"
	for _, name := range []string{"fulcio", "tsa", "rekor", "tesseract"} {
		if _, err := s.source.Render(name); err == nil || !strings.Contains(err.Error(), "the published trusted_root.json does not have it") {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.source.Published = nil
	if _, err := s.source.Render("tsa"); err == nil || !strings.Contains(err.Error(), "no published TUF repository") {
		t.Error(err)
	}
}

func TestRender_NotBegun(t *testing.T) {
	s := newStage(t)
	for _, all := range []map[string][]ledger.Generation{s.source.State.Authorities, s.source.State.Logs} {
		for _, generations := range all {
			generations[0].Start = now.Add(time.Hour)
		}
	}
	s.source.Urgent = true
	for _, name := range []string{"fulcio", "tsa", "rekor", "tesseract"} {
		if _, err := s.source.Render(name); err == nil || !strings.Contains(err.Error(), "generation 1 begins on 2026-06-01T13:00:00Z") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

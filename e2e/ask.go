package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// finding is what `services check --json` says of one thing.
type finding struct {
	Name     string `json:"place"`
	ID       string `json:"id"`
	Severity string `json:"severity"`
	Text     string `json:"text"`
}

// answer is one place that was asked.
type answer struct {
	Name       string `json:"name"`
	Generation int    `json:"generation"`
	Verdict    string `json:"verdict"`
	Witnesses  int    `json:"witnesses"` // that cosigned a log's newest checkpoint
}

// report is what `services check --json` prints.
type report struct {
	Answers  []answer  `json:"answers"`
	Findings []finding `json:"findings"`
	code     int
}

// ask runs services check. Only what keeps it from answering is an error.
func (w *world) ask(ctx context.Context, args ...string) (*report, error) {
	data, err := w.trustroot(ctx, append([]string{"--json", "services", "check"}, args...)...)
	var exit *exitError
	if err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	r := &report{}
	if exit != nil {
		r.code = exit.code
	}
	if broken := json.Unmarshal(data, r); broken != nil {
		return nil, errors.Join(err, broken)
	}
	return r, nil
}

// said is everything that was found, a line each.
func (r *report) said() string {
	lines := make([]string, 0, len(r.Findings))
	for _, f := range r.Findings {
		lines = append(lines, fmt.Sprintf("%s: %s: %s: %s", f.Severity, f.Name, f.ID, f.Text))
	}
	return fmt.Sprintf("services check exits with %d and says:\n%s", r.code, strings.Join(lines, "\n"))
}

// clean wants every service asked and nothing found but notices of these IDs.
func (w *world) clean(ctx context.Context, notices ...string) error {
	r, err := w.ask(ctx, "--copy", "https://trust.example.com/.well-known/trusted_root.json", "--copy", w.wellKnown("trusted_root.json"))
	if err != nil {
		return err
	}
	for _, f := range r.Findings {
		if f.Severity != "info" || !slices.Contains(notices, f.ID) {
			return errors.New(r.said())
		}
	}
	if r.code != 0 || len(r.Answers) != 7 {
		return fmt.Errorf("%d answers, want 7; %s", len(r.Answers), r.said())
	}
	return nil
}

// finds wants services check to name one mistake of one service, with exit
// code 5.
func (w *world) finds(ctx context.Context, name, id string, args ...string) error {
	r, err := w.ask(ctx, append([]string{name}, args...)...)
	if err != nil {
		return err
	}
	for _, f := range r.Findings {
		if f.ID == id && f.Severity == "error" && r.code == 5 {
			w.remark(f.Text)
			return nil
		}
	}
	return fmt.Errorf("want %s: %s", id, r.said())
}

// anchor has our TSA and Rekor vouch for the ceremony's record.
func (w *world) anchor(ctx context.Context, s *suite) {
	records, err := filepath.Glob(filepath.Join(w.trust, "ceremonies", "*-founding"))
	if err != nil || len(records) == 0 {
		s.count(ctx, "a record to anchor", errors.Join(err, errors.New("there is none")))
		return
	}
	record := records[len(records)-1]
	s.check(ctx, "ceremony anchor: the TSA timestamps the record, Rekor logs it", func(ctx context.Context) error {
		_, err := w.trustroot(ctx, "ceremony", "anchor", record, "--rehearsal")
		return err
	})
	s.check(ctx, "the anchored record verifies, and says when it existed", func(ctx context.Context) error {
		said, err := w.trustroot(ctx, "ceremony", "verify", record, "--rehearsal")
		if err == nil && !strings.Contains(strings.ToLower(string(said)), "anchor") {
			err = fmt.Errorf("it says nothing of anchors:\n%s", said)
		}
		return err
	})
}

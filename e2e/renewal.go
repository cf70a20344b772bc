package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// renewal renews every role while the services run: the new generations are
// published beside the old, the services switch one after the other, the
// switch is recorded and published. What was signed before and after verifies
// all the way, in clients that were there from the beginning.
func (w *world) renewal(ctx context.Context, s *suite, first *generation) (*generation, error) {
	before, err := w.render(ctx, "services-before", "all")
	if err != nil {
		return nil, err
	}
	old := w.path("work", "trusted_root.before.json")
	if err := copyFile(w.wellKnown("trusted_root.json"), old); err != nil {
		return nil, err
	}
	s.step("the renewal of every role: trustroot rehearse renew")
	if err := s.must(ctx, "a rehearsed renewal, published with both generations open", func(ctx context.Context) error {
		_, err := w.command(ctx, nil, w.programs.trustroot, "rehearse", "renew", "--out", w.trust, "--kms", w.kmsURL)
		return err
	}); err != nil {
		return nil, err
	}
	s.check(ctx, "services check: all on the generation before, which is no mistake", func(ctx context.Context) error {
		return w.on(ctx, map[string]int{"fulcio": 1, "tsa": 1, "rekor": 1, "tesseract": 1}, "newer-waits")
	})
	s.check(ctx, "services check names a stale copy of trusted_root.json", func(ctx context.Context) error {
		return w.finds(ctx, "tuf", "stale", "--copy", old)
	})
	s.check(ctx, "services render refuses what verifiers may not have fetched", func(ctx context.Context) error {
		_, err := w.render(ctx, "services-early", "all")
		return refused(err, "cannot be fetched by every verifier yet")
	})
	var after map[string]service
	if err := s.must(ctx, "services render --urgent does not wait, and says until when verifiers may be behind", func(ctx context.Context) (err error) {
		after, err = w.render(ctx, "services2", "all", "--urgent")
		return err
	}); err != nil {
		return nil, err
	}
	s.step("the switch, one service after the other")
	if err := w.switchTo(ctx, s, after, "tsa", "rekor"); err != nil {
		return nil, err
	}
	mixed, err := w.signEmail(ctx, "mixed", "")
	s.count(ctx, "cosign signs in the mixed state", err)
	s.check(ctx, "cosign and npm's sigstore, with their old caches, verify that", func(ctx context.Context) error {
		return errors.Join(w.cosignMirror(ctx, first.home, mixed), w.npmVerify(ctx, first.cache, mixed))
	})
	// a log shows its new key with its next entry
	s.check(ctx, "services check tells the mixed state", func(ctx context.Context) error {
		return w.on(ctx, map[string]int{"fulcio": 1, "tsa": 2, "rekor": 2, "tesseract": 1}, "mixed", "newer-waits", "cutover-not-recorded", "too-early")
	})
	// Fulcio holds the CT log's answers against its key: these two go together
	if err := w.switchTo(ctx, s, after, "tesseract", "fulcio"); err != nil {
		return nil, err
	}
	second, err := w.signAll(ctx, s, 2)
	if err != nil {
		return nil, err
	}
	s.check(ctx, "services check: all on the new generation, the switch not recorded yet", func(ctx context.Context) error {
		return w.on(ctx, map[string]int{"fulcio": 2, "tsa": 2, "rekor": 2, "tesseract": 2}, "cutover-not-recorded", "too-early")
	})
	w.everywhere(ctx, s, first, second, "before the switch is recorded")
	s.check(ctx, "the new bundles are archived, and every entry of the trusted root has one that needs it", func(ctx context.Context) error { return w.archive(ctx, second) })
	s.step("the switch is recorded and published: trustroot rehearse cutover")
	if err := s.must(ctx, "a rehearsed cutover, published with the old generations closed", func(ctx context.Context) error {
		_, err := w.command(ctx, nil, w.programs.trustroot, "rehearse", "cutover", "--out", w.trust, "--kms", w.kmsURL)
		return err
	}); err != nil {
		return nil, err
	}
	w.everywhere(ctx, s, first, second, "after the switch is recorded")
	s.check(ctx, "services check finds nothing but that verifiers may be behind", func(ctx context.Context) error { return w.clean(ctx, "too-early") })
	s.check(ctx, "Fulcio on the old chain: services check names it cutover-not-followed", func(ctx context.Context) error {
		if err := w.launch(ctx, before["fulcio"]); err != nil {
			return err
		}
		return w.finds(ctx, "fulcio", "cutover-not-followed")
	})
	s.check(ctx, "services render refuses the old generation", func(ctx context.Context) error {
		_, err := w.render(ctx, "services-old", "all", "--generation", "1")
		return refused(err, "generation 1 ended")
	})
	if err := w.switchTo(ctx, s, after, "fulcio"); err != nil {
		return nil, err
	}
	last, err := w.signEmail(ctx, "last", first.home)
	s.count(ctx, "cosign signs after it all, with its old cache alone", err)
	s.check(ctx, "cosign and npm's sigstore, with their old caches, verify that too", func(ctx context.Context) error {
		return errors.Join(w.cosignMirror(ctx, first.home, last), w.npmVerify(ctx, first.cache, last))
	})
	return second, nil
}

// switchTo starts services on what was rendered for the new generation.
func (w *world) switchTo(ctx context.Context, s *suite, rendered map[string]service, names ...string) error {
	for _, name := range names {
		g := rendered[name].Generation
		if err := s.must(ctx, fmt.Sprintf("%s starts as rendered for generation %d", name, g), func(ctx context.Context) error {
			return w.launch(ctx, rendered[name])
		}); err != nil {
			return err
		}
	}
	return nil
}

// on wants services check to see each service on a generation, to find no
// mistake, and to give every one of these notices and no other.
func (w *world) on(ctx context.Context, generations map[string]int, notices ...string) error {
	r, err := w.ask(ctx)
	if err != nil {
		return err
	}
	for _, a := range r.Answers {
		if want, ok := generations[a.Name]; ok && a.Generation != want {
			return fmt.Errorf("%s is on generation %d, want %d; %s", a.Name, a.Generation, want, r.said())
		}
	}
	missing := map[string]bool{}
	for _, n := range notices {
		missing[n] = true
	}
	for _, f := range r.Findings {
		if _, ok := missing[f.ID]; !ok || f.Severity != "info" {
			return errors.New(r.said())
		}
		missing[f.ID] = false
		if f.ID == "mixed" {
			w.remark(f.Text)
		}
	}
	for n, still := range missing {
		if still {
			return fmt.Errorf("it does not say %s: %s", n, r.said())
		}
	}
	if r.code != 0 {
		return errors.New(r.said())
	}
	return nil
}

// everywhere has every client verify what was signed before and after, with
// our files and in the caches that they have had from the beginning.
func (w *world) everywhere(ctx context.Context, s *suite, first, second *generation, when string) {
	var checks []check
	for _, c := range []struct {
		name   string
		verify func(context.Context, signed) error
	}{
		{"cosign with our files", func(ctx context.Context, b signed) error {
			return w.cosignWith(ctx, w.wellKnown("trusted_root.json"), b)
		}},
		{"cosign with its old cache", func(ctx context.Context, b signed) error { return w.cosignMirror(ctx, first.home, b) }},
		{"npm's sigstore with its old cache", func(ctx context.Context, b signed) error { return w.npmVerify(ctx, first.cache, b) }},
	} {
		checks = append(checks, check{strings.Join([]string{c.name, "verifies the bundles of both generations", when}, " "), func(ctx context.Context) error {
			for _, b := range []signed{first.person, first.workflow, first.app, second.person, second.workflow, second.app} {
				if err := c.verify(ctx, b); err != nil {
					return fmt.Errorf("%s: %w", b.bundle, err)
				}
			}
			return nil
		}})
	}
	s.together(ctx, checks...)
}

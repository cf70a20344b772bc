package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// stolen has the root's key stolen while everything runs. A thief goes on with
// the services that stand on it; the root that stands by takes over, and every
// authority is made again under it. In clients that were there from the
// beginning, what was signed before the theft verifies by its timestamps, and
// what the thief signed after it does not.
func (w *world) stolen(ctx context.Context, s *suite, first, second *generation) error {
	s.step("the root is stolen, and the one that stands by takes over")
	old := w.path("work", "trusted_root.stolen.json")
	if err := copyFile(w.wellKnown("trusted_root.json"), old); err != nil {
		return err
	}
	// the window ends at the last second before the theft
	if err := pause(ctx, 2*time.Second); err != nil {
		return err
	}
	since := time.Now().UTC().Truncate(time.Second)
	thief, err := w.signEmail(ctx, "thief", "")
	thiefs, errBoth := w.both(ctx, "thiefs")
	err = errors.Join(err, errBoth)
	s.count(ctx, "a thief signs with cosign, Fulcio and the TSA under the stolen root", err)
	if err != nil {
		return err
	}
	s.check(ctx, "until the theft is published, cosign and npm's sigstore accept that", func(ctx context.Context) error {
		return errors.Join(w.cosignWith(ctx, old, thief), w.npmVerify(ctx, first.cache, thief))
	})
	if err := w.archiveIn(ctx, 2, thief); err != nil {
		return err
	}
	if err := s.must(ctx, "trustroot rehearse compromise root: recorded, promoted, made again, published", func(ctx context.Context) error {
		_, err := w.command(ctx, nil, w.programs.trustroot, "rehearse", "compromise", "root", "--since", since.Format(time.RFC3339), "--out", w.trust, "--kms", w.kmsURL)
		return err
	}); err != nil {
		return err
	}
	s.check(ctx, "the thief's bundle was set aside as one that must fail", func(context.Context) error {
		found, err := filepath.Glob(filepath.Join(w.trust, "bundles", "*", "thief.*.after-theft.json"))
		if err == nil && len(found) != 1 {
			err = fmt.Errorf("found %v", found)
		}
		return err
	})
	s.check(ctx, "openssl accepts the stolen root's last CRL, and refuses under it what the root issued", func(ctx context.Context) error { return w.revoked(ctx, "fulcio", "tsa") })
	w.judgesRevocation(ctx, s, old, second, thiefs)
	after, err := w.render(ctx, "services-promoted", "all", "--urgent")
	if err := s.must(ctx, "services render writes what runs under the promoted root", func(context.Context) error { return err }); err != nil {
		return err
	}
	// the CT log takes chains to the new root only once it knows it
	if err := w.switchTo(ctx, s, after, "tsa", "tesseract", "fulcio"); err != nil {
		return err
	}
	fresh, err := w.signEmail(ctx, "promoted", "")
	s.count(ctx, "cosign signs under the promoted root", err)
	if err != nil {
		return err
	}
	const ended = "timestamp is after the validity period end"
	var checks []check
	for _, c := range []struct {
		name, says string
		verify     func(context.Context, signed) error
	}{
		{"cosign with our files", ended, func(ctx context.Context, b signed) error {
			return w.cosignWith(ctx, w.wellKnown("trusted_root.json"), b)
		}},
		{"cosign with its old cache", ended, func(ctx context.Context, b signed) error { return w.cosignMirror(ctx, first.home, b) }},
		{"npm's sigstore with its old cache", "TIMESTAMP_ERROR", func(ctx context.Context, b signed) error { return w.npmVerify(ctx, first.cache, b) }},
	} {
		checks = append(checks,
			check{c.name + " verifies what was signed before the theft, and under the promoted root", func(ctx context.Context) error {
				for _, b := range []signed{first.person, first.workflow, first.app, second.person, second.workflow, second.app, fresh} {
					if err := c.verify(ctx, b); err != nil {
						return fmt.Errorf("%s: %w", b.bundle, err)
					}
				}
				return nil
			}},
			check{c.name + " refuses what the thief signed", func(ctx context.Context) error { return refused(c.verify(ctx, thief), c.says) }})
	}
	s.together(ctx, checks...)
	return nil
}

// judgesRevocation has the gate judge by the last CRL alone: the trusted root is
// that from before the theft was known.
func (w *world) judgesRevocation(ctx context.Context, s *suite, old string, honest *generation, thiefs [2]signed) {
	crl := filepath.Join(w.trust, "trust", "crls", "root.crl")
	gate := func(ctx context.Context, b [2]signed, crls ...string) error {
		policy, err := w.policy(fmt.Sprintf("policy-crl%d.json", len(crls)), honest.app.key, map[string]string{"file": old}, crls...)
		if err != nil {
			return err
		}
		_, err = w.command(ctx, nil, w.programs.trustroot, gateArguments(policy, b[0].artifact, b[0].bundle, b[1].bundle)...)
		return err
	}
	before := [2]signed{honest.workflow, honest.app}
	s.check(ctx, "the gate, told of no CRL and of an old trusted root, accepts the thief's bundles", func(ctx context.Context) error { return gate(ctx, thiefs) })
	s.check(ctx, "with the stolen root's last CRL it refuses them", func(ctx context.Context) error {
		return gateRefuses(gate(ctx, thiefs, crl), "is revoked since")
	})
	s.check(ctx, "and accepts what was signed before the theft", func(ctx context.Context) error { return gate(ctx, before, crl) })
}

// revoked has openssl judge the last CRL of the first root, and what it revokes.
func (w *world) revoked(ctx context.Context, names ...string) error {
	root, list := filepath.Join(w.trust, "authorities", "root", "g1", "certificate.pem"), w.path("work", "root.crl.pem")
	said, err := w.command(ctx, nil, w.openssl, "crl", "-inform", "DER", "-in", filepath.Join(w.trust, "trust", "crls", "root.crl"), "-verify", "-CAfile", root, "-out", list)
	if err != nil {
		return fmt.Errorf("%s: %w", said, err)
	}
	for _, name := range names {
		_, err := w.command(ctx, nil, w.openssl, "verify", "-crl_check_all", "-CRLfile", list, "-CAfile", root, filepath.Join(w.trust, "authorities", name, "g2", "certificate.pem"))
		if err := refused(err, "certificate revoked"); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func pause(ctx context.Context, long time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(long):
		return nil
	}
}

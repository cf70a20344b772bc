package publish

import (
	"errors"
	"fmt"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/holders"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/trustedroot"
	"github.com/linnemanlabs/trustroot/pki/trustedroot/judge"
	"github.com/linnemanlabs/trustroot/pki/tuf"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

// gate judges a change before a byte leaves, and reports everything that is
// wrong: what clients would say of trusted root and signing config, what the
// trusted root takes back, whether archived bundles still verify, whether the
// ledger went forward, and whether tokens hold the holders' keys. That clients
// accept the metadata is for tuf.Publish to verify.
func gate(d *trustdir.Dir, s *tuf.Staged, roots attestation.Roots, now time.Time) error {
	if err := CheckStaged(d, s, now); err != nil {
		return err
	}
	changes := s.TargetChanges()
	errs := []error{holders.Check(d, roots, now)}
	contents := map[string][]byte{}
	for _, c := range changes {
		contents[c.Name] = c.New
	}
	for _, c := range changes {
		var err error
		switch c.Name {
		case tuf.TrustedRootName:
			err = gateTrustedRoot(d, c, contents[tuf.SigningConfigName], s.Withdraw != "")
		case tuf.SigningConfigName:
			err = gateSigningConfig(c)
		case trustdir.LedgerHeadTarget:
			err = gateLedger(d, c)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.Name, err))
		}
	}
	return errors.Join(errs...)
}

func gateTrustedRoot(d *trustdir.Dir, c tuf.TargetChange, signingConfig []byte, withdraw bool) error {
	if c.New == nil {
		return errors.New("it is removed: cosign initialize succeeds without it, and everything after it fails")
	}
	findings, err := trustedroot.Lint(c.New, lintOptions(d, signingConfig))
	if err != nil {
		return err
	}
	errs := []error{trustedroot.Worst(findings)}
	if c.Old != nil && !withdraw {
		_, err := trustedroot.Diff(c.Old, c.New, d.State.LeftKeys()...)
		errs = append(errs, err)
	}
	return errors.Join(append(errs, checkArchived(d, c.New))...)
}

func gateSigningConfig(c tuf.TargetChange) error {
	if c.New == nil {
		return errors.New("it is removed: verifying works without it, signing does not")
	}
	findings, err := trustedroot.LintSigningConfig(c.New, trustedroot.LintOptions{Judge: judge.SigstoreGo{}})
	return errors.Join(err, trustedroot.Worst(findings))
}

// gateLedger wants the head of this ledger, and one that continues the head
// published before.
func gateLedger(d *trustdir.Dir, c tuf.TargetChange) error {
	if c.New == nil {
		return errors.New("it is removed: nobody could find out that the ledger was cut")
	}
	head, err := trustdir.ParseLedgerHead(c.New)
	if err != nil {
		return err
	}
	if err := d.Ledger.CheckHead(head.Head); err != nil {
		return err
	}
	if c.Old == nil {
		return nil
	}
	before, err := trustdir.ParseLedgerHead(c.Old)
	if err != nil {
		return err
	}
	if err := d.Ledger.CheckHead(before.Head); err != nil {
		return fmt.Errorf("the ledger does not continue the published one: %w", err)
	}
	if head.Entries < before.Entries {
		return fault.New(fault.Verification, "stage again from the newest ledger", fmt.Errorf("it goes back from %d entries to %d", before.Entries, head.Entries))
	}
	return nil
}

package publish

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/pki/trustedroot"
	"github.com/linnemanlabs/trustroot/pki/tuf"
)

// Derive makes every file of trust/ that is published from ledger, plan and
// pinned includes. Nothing of trust/ is read.
func Derive(d *trustdir.Dir) (map[string][]byte, error) {
	files, err := servedFiles(d)
	if err != nil {
		return nil, err
	}
	root, err := trustedRootBytes(d)
	if err != nil {
		return nil, err
	}
	config, err := trustedroot.DeriveSigningConfig(d.Plan, d.State, d.FS())
	if err != nil {
		return nil, err
	}
	page, err := portal(d, root)
	if err != nil {
		return nil, err
	}
	files[trustdir.TrustedRootFile], files[trustdir.SigningConfigFile], files[trustdir.PortalFile] = root, config, page
	return aliased(d, files), nil
}

// servedFolders are those of trust/ in which every file is derived.
var servedFolders = []string{"trust/.well-known", "trust/certs", "trust/crls", "trust/keys"}

// CheckDerived compares what stands in trust/, and what tuf/ publishes, with
// what ledger and plan make. It names file and entry of whatever differs. A
// file that is not there yet is not a difference.
func CheckDerived(d *trustdir.Dir) error {
	want, err := Derive(d)
	if err != nil {
		return err
	}
	return errors.Join(checkPublishedRoot(d, want[trustdir.TrustedRootFile]), checkTrust(d, want))
}

// checkTrust compares what stands in trust/.
func checkTrust(d *trustdir.Dir, want map[string][]byte) error {
	var errs []error
	for _, folder := range servedFolders {
		entries, err := fs.ReadDir(d.FS(), folder)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
		for _, e := range entries {
			if !strings.HasPrefix(e.Name(), ".") {
				errs = append(errs, checkFile(d, folder+"/"+e.Name(), want))
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fault.New(fault.Verification, "find out who changed it; `trustroot trusted-root build` and `trustroot signing-config build` write what ledger and plan say, and a file that they do not make is removed by hand", err)
	}
	return nil
}

func checkFile(d *trustdir.Dir, name string, want map[string][]byte) error {
	have, err := fs.ReadFile(d.FS(), name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case want[name] == nil:
		return fmt.Errorf("%s is nothing that ledger and plan make", name)
	case bytes.Equal(have, want[name]):
		return nil
	case name != trustdir.TrustedRootFile:
		return fmt.Errorf("%s has other bytes than ledger and plan make", name)
	}
	return fmt.Errorf("%s has other bytes than ledger and plan make%s", name, beyond(want[name], have))
}

// beyond names what a trusted root says beyond the derived one.
func beyond(derived, have []byte) string {
	changes, err := trustedroot.Diff(derived, have)
	var out strings.Builder
	for _, c := range changes {
		out.WriteString("; the ledger does not say: " + c.String())
	}
	if err != nil {
		out.WriteString("; " + strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return out.String()
}

// checkPublishedRoot refuses a published entry that the ledger does not know.
func checkPublishedRoot(d *trustdir.Dir, derived []byte) error {
	old, err := publishedRoot(d)
	if err != nil || old == nil {
		return err
	}
	if _, err := trustedroot.Diff(old, derived, d.State.LeftKeys()...); err != nil {
		return fault.New(fault.Verification, unknownPublished, fmt.Errorf("tuf/ publishes what the ledger does not say: %w", err))
	}
	return nil
}

// publishedRoot is the trusted root that tuf/ publishes, or nil.
func publishedRoot(d *trustdir.Dir) ([]byte, error) {
	own, err := repository(d, context.Background())
	if err != nil {
		return nil, nil //nolint:nilerr // nothing is published
	}
	old, err := tuf.ReadTarget(context.Background(), own, tuf.TrustedRootName)
	if err := errors.Join(err, own.Close()); err != nil {
		return nil, fault.New(fault.Verification, "restore tuf/ from version control", err)
	}
	return old, nil
}

const unknownPublished = "find out how it was published; then restore the ledger that knows it, keep it with `trustroot ledger adopt --reason REASON`, or take it back with `trustroot tuf stage targets --withdraw REASON`, which the holders are shown"

// CheckStaged holds the metadata to sign, and what stands in trust/, against
// ledger, plan and holders. It needs no network.
func CheckStaged(d *trustdir.Dir, s *tuf.Staged, now time.Time) error {
	want, err := Derive(d)
	if err != nil {
		return err
	}
	if s.Withdraw == "" {
		err = checkPublishedRoot(d, want[trustdir.TrustedRootFile])
	}
	if err := errors.Join(err, checkTrust(d, want)); err != nil {
		return err
	}
	people, err := peopleOf(d)
	if err != nil {
		return err
	}
	t, err := targets(d)
	if err != nil {
		return err
	}
	err = s.CheckExpected(people, t, []string{trustdir.LedgerHeadTarget}, func(pub crypto.PublicKey) bool { return isOnlineKey(d.Plan.TUF, pub) }, now)
	if err != nil {
		return fault.New(fault.Verification, "do not sign or publish it; stage it again, and find out where it came from", err)
	}
	return nil
}

// CheckHere is CheckStaged where a trust directory is at hand; elsewhere there is
// nothing to compare with.
func CheckHere(dir string, s *tuf.Staged, now time.Time) error {
	if _, err := os.Stat(filepath.Join(dir, trustdir.PlanFile)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	d, err := trustdir.Open(dir)
	if err != nil {
		return err
	}
	return CheckStaged(d, s, now)
}

// onlinePins are the plan's pins of the online keys.
func onlinePins(t *plan.TUF) []string {
	pins := []string{t.OnlineKey.SPKISHA256}
	if t.NextOnlineKey != nil {
		pins = append(pins, t.NextOnlineKey.SPKISHA256)
	}
	return pins
}

// isOnlineKey holds a key against the pins of the plan.
func isOnlineKey(t *plan.TUF, pub crypto.PublicKey) bool {
	digest, err := pki.SPKISHA256(pub)
	return err == nil && slices.Contains(onlinePins(t), digest)
}

// Rebuild writes every file of trust/ anew where ledger and plan are whole
// enough to make them, and returns the names of those that changed.
func Rebuild(d *trustdir.Dir) ([]string, error) {
	want, err := Derive(d)
	if err != nil {
		return nil, err
	}
	findings, err := trustedroot.Lint(want[trustdir.TrustedRootFile], trustedroot.LintOptions{Pair: want[trustdir.SigningConfigFile], Compromised: d.State.CompromisedKeys(), Left: d.State.LeftKeys(), At: d.State.PublishedAt})
	if err := errors.Join(err, trustedroot.Worst(findings)); err != nil {
		return nil, err
	}
	var changed []string
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if old, err := fs.ReadFile(d.FS(), name); err != nil || !bytes.Equal(old, want[name]) {
			changed = append(changed, name)
		}
	}
	return changed, d.Replace(want)
}

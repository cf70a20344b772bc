package rehearsal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

// open reads the trust directory of an earlier rehearsal. Any other is refused.
func open(r *Rehearsal) (*plan.Plan, *ledger.State, error) {
	if err := virtual.Missing(); err != nil {
		return nil, nil, err
	}
	if _, err := os.Lstat(kept(r)); err == nil {
		return nil, nil, fault.New(fault.Usage, fmt.Sprintf("put it back with `rm -r %[1]s && mv %[1]s%[2]s %[1]s`, or remove it", r.Out, keptSuffix),
			fmt.Errorf("%s holds %s as it was before a rehearsal that did not come to its end; nothing was changed", kept(r), r.Out))
	}
	for _, state := range []string{tokenState, otherState} {
		if _, err := os.Lstat(r.in(state)); err != nil {
			return nil, nil, fault.New(fault.Usage, "make one with `trustroot rehearse --out "+r.Out+"`, or name another with --out",
				fmt.Errorf("%s is not a folder of a rehearsal: %w", r.Out, err))
		}
	}
	p, err := planIn(r.in(trustdir.PlanFile))
	if err != nil {
		return nil, nil, err
	}
	l, err := ledger.Read(r.in(trustdir.LedgerFile))
	if err != nil {
		return nil, nil, err
	}
	if _, err := os.Lstat(r.in(kmsState)); r.KMS == "" && errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fault.New(fault.Usage, "give the URL of the KMS that it was founded with, with --kms",
			fmt.Errorf("the keys of %s are not in the stand-in; nothing was changed", r.Out))
	}
	return p, l.State(), nil
}

func planIn(path string) (*plan.Plan, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the plan: %w", err)
	}
	return plan.Parse(path, text)
}

func restart(ctx context.Context, r *Rehearsal) error {
	if err := startTokens(ctx, r); err != nil {
		return err
	}
	return startKMS(ctx, r)
}

// published is the file that verifiers have: the trusted_root.json of the
// repository's newest targets.
func published(r *Rehearsal) (string, error) {
	var newest int
	found, err := filepath.Glob(r.in("tuf", "*.targets.json"))
	if err != nil {
		return "", fmt.Errorf("look for what was published: %w", err)
	}
	for _, path := range found {
		var n int
		if _, err := fmt.Sscanf(filepath.Base(path), "%d.targets.json", &n); err == nil {
			newest = max(newest, n)
		}
	}
	data, err := os.ReadFile(r.in("tuf", fmt.Sprintf("%d.targets.json", newest)))
	if err != nil {
		return "", fault.New(fault.Failure, "publish what is staged, or rehearse again from the founding", fmt.Errorf("read what was published: %w", err))
	}
	var targets struct {
		Signed struct {
			Targets map[string]struct {
				Hashes map[string]string `json:"hashes"`
			} `json:"targets"`
		} `json:"signed"`
	}
	if err := json.Unmarshal(data, &targets); err != nil {
		return "", fmt.Errorf("read version %d of the targets: %w", newest, err)
	}
	name := filepath.Base(trustdir.TrustedRootFile)
	return r.in("tuf", "targets", targets.Signed.Targets[name].Hashes["sha256"]+"."+name), nil
}

// keptSuffix names the copy of the folder as it was.
const keptSuffix = ".before"

func kept(r *Rehearsal) string { return filepath.Clean(r.Out) + keptSuffix }

// keep copies the folder before anything in it is changed.
func (r *Rehearsal) keep() error {
	files := os.DirFS(r.Out)
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		to := filepath.Join(kept(r), filepath.FromSlash(path))
		if d.IsDir() {
			return os.Mkdir(to, info.Mode().Perm())
		}
		data, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, data, info.Mode().Perm())
	})
	if err != nil {
		return errors.Join(fmt.Errorf("keep %s as it is: %w", r.Out, err), os.RemoveAll(kept(r)))
	}
	return nil
}

// Restore stops tokens and KMS and puts the folder back as it was.
func (r *Rehearsal) Restore() error {
	if err := r.Close(); err != nil {
		return err
	}
	if err := os.RemoveAll(r.Out); err != nil {
		return err
	}
	return os.Rename(kept(r), r.Out)
}

// Kept is the folder as it was before, where one was kept.
func (r *Rehearsal) Kept() string {
	if _, err := os.Lstat(kept(r)); err != nil {
		return ""
	}
	return kept(r)
}

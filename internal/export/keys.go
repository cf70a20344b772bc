package export

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/logkey"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/kms"
	"github.com/linnemanlabs/trustroot/pki/checkpoint"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// States of an exported key.
const (
	Written   = "written"
	Unchanged = "unchanged"   // its files are there and hold
	Withheld  = "not written" // it could be read, another could not
)

// Exported is one key that was written to the trust directory.
type Exported struct {
	Kind       string `json:"kind"` // "authorities", "logs", "apps"
	Name       string `json:"name"`
	Generation int    `json:"generation"`
	ARN        string `json:"arn"`
	SPKISHA256 string `json:"spki_sha256"`
	Dir        string `json:"dir"`                // slash-separated, in the trust directory
	State      string `json:"state"`              // Written, Unchanged or Withheld
	LogID      string `json:"log_id,omitempty"`   // base64, logs only
	KeyHash    string `json:"key_hash,omitempty"` // hex, logs only
	Verifier   string `json:"verifier,omitempty"` // logs only
}

// String is "logs/rekor g1".
func (e Exported) String() string { return fmt.Sprintf("%s/%s g%d", e.Kind, e.Name, e.Generation) }

// read is what exporting a generation found, and the files that it makes; nil
// where they are there already.
type read struct {
	Exported
	files map[string][]byte // by name in Dir
}

// readAll reads one key after the other and then writes them all, each
// generation's folder at once. Where one cannot be read nothing is written:
// the others are returned as Withheld, and the error names each that failed.
func readAll(d *trustdir.Dir, ctx context.Context, keys []kms.Planned, one func(kms.Planned) (read, error)) ([]Exported, error) {
	var all []read
	var errs []error
	for _, k := range keys {
		if err := ctx.Err(); err != nil {
			return nil, fault.New(fault.Stopped, "run the same command again; nothing was written", err)
		}
		r, err := one(k)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", k, err))
			continue
		}
		all = append(all, r)
	}
	done := make([]Exported, 0, len(all))
	for _, r := range all {
		r.State = Unchanged
		switch {
		case r.files == nil:
		case len(errs) > 0:
			r.State = Withheld
		default:
			if err := writeGeneration(d, r.Dir, r.files); err != nil {
				return done, fmt.Errorf("%w; %d of %d keys are written, the next run goes on from here", err, len(done), len(all))
			}
			r.State = Written
		}
		done = append(done, r.Exported)
	}
	if len(errs) > 0 {
		return done, fault.New(trustdir.Worst(errs), "", errors.Join(errs...))
	}
	return done, nil
}

// writeGeneration writes the files of one generation: as a folder that appears
// at once, or into the folder that is there.
func writeGeneration(d *trustdir.Dir, dir string, files map[string][]byte) error {
	path := d.Join(dir)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("make the folder of %s: %w", dir, err)
	}
	err := courier.NewFolder(path, files)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	var list []trustdir.File
	for _, name := range courier.Names(files) {
		list = append(list, trustdir.File{Name: dir + "/" + name, Data: files[name]})
	}
	return d.WriteNew(list...)
}

// present reports whether files of a generation are there: all of them, or an
// error when only some are.
func present(d *trustdir.Dir, dir string, names ...string) (bool, error) {
	var there, gone []string
	for _, name := range names {
		switch _, err := os.Lstat(d.Join(dir + "/" + name)); {
		case err == nil:
			there = append(there, name)
		case errors.Is(err, fs.ErrNotExist):
			gone = append(gone, name)
		default:
			return false, fmt.Errorf("look for %s/%s: %w", dir, name, err)
		}
	}
	if len(there) > 0 && len(gone) > 0 {
		return false, fault.New(fault.Failure, "restore "+dir+" from version control, or take away what is left of it",
			fmt.Errorf("%s holds %s without %s", dir, strings.Join(there, " and "), strings.Join(gone, " and ")))
	}
	return len(there) > 0, nil
}

// chosen are the planned keys of the kinds that the names mean: "fulcio", or
// "logs/rekor" where a name would mean two. No names mean all of them.
func chosen(d *trustdir.Dir, names []string, kinds ...string) ([]kms.Planned, error) {
	var of []kms.Planned
	for _, k := range kms.Keys(d.Plan) {
		if slices.Contains(kinds, k.Kind) {
			of = append(of, k)
		}
	}
	if len(names) == 0 {
		return of, nil
	}
	var keys []kms.Planned
	var errs []error
	for _, name := range names {
		found := slices.DeleteFunc(slices.Clone(of), func(k kms.Planned) bool { return k.Name != name && k.Kind+"/"+k.Name != name })
		if len(found) == 0 {
			errs = append(errs, fmt.Errorf("%s is not a key in KMS among the plan's %s", name, strings.Join(kinds, " and ")))
		}
		keys = append(keys, found...)
	}
	if len(errs) > 0 {
		return nil, fault.New(fault.Usage, "name a key of the plan, such as fulcio or logs/rekor; nothing was written", errors.Join(errs...))
	}
	return keys, nil
}

// unmade refuses a generation whose key the plan does not name yet.
func unmade(k kms.Planned) error {
	if k.ARN != "" {
		return nil
	}
	return fault.New(fault.Failure, "make the key with `trustroot kms create`, and have its ARN and pin reviewed into the plan", errors.New("the plan names no key yet"))
}

func checkPlanned(k kms.Planned, spki string) error {
	return trustdir.CheckPin(k.Name, plan.Generation{Generation: k.Generation, SPKISHA256: k.SPKISHA256}, spki)
}

func (e *Exported) describe(c checkpoint.Key) {
	id := c.LogID()
	e.LogID = logkey.EncodeLogID(id)
	e.KeyHash = fmt.Sprintf("%08x", c.Hash())
	e.Verifier = c.Verifier()
}

func exportedOf(k kms.Planned, dir, arn, spki string) Exported {
	return Exported{Kind: k.Kind, Name: k.Name, Generation: k.Generation, ARN: arn, SPKISHA256: spki, Dir: dir}
}

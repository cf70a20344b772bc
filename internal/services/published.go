package services

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/pki/tuf"
)

// Publication is a TUF repository that verifiers fetch from, verified.
type Publication struct {
	versions []version // of its targets, the newest first
	wait     time.Duration
	earlier  []window // of timestamps under roots before the newest
}

// version is one version of the repository's targets.
type version struct {
	number    int64
	published time.Time // when its snapshot was signed
	text      string    // of its trusted_root.json
}

// ReadPublication verifies the repository in a directory, from the root that
// it holds first, and reads every version of trusted_root.json in it.
func ReadPublication(ctx context.Context, dir string, roles *plan.TUF, now time.Time) (*Publication, error) {
	files := os.DirFS(dir)
	anchor, err := fs.ReadFile(files, "1.root.json")
	if err != nil {
		return nil, err
	}
	report, err := tuf.Verify(ctx, dir, anchor, now)
	if err != nil {
		return nil, err
	}
	p := &Publication{}
	expiries, err := p.readWindows(files, report.Roots, roles)
	if err != nil {
		return nil, err
	}
	newest := map[string]int64{}
	for _, role := range report.Roles {
		newest[role.Role] = role.Version.Version
	}
	for n := newest["targets"]; n > 0; n-- {
		v, err := readVersion(files, n, newest["snapshot"], now, expiries...)
		if errors.Is(err, fs.ErrNotExist) {
			break // what is no longer kept is older than what is
		}
		if err != nil {
			return nil, err
		}
		p.versions = append(p.versions, v)
	}
	return p, nil
}

func days(n plan.Days) time.Duration { return time.Duration(n) * 24 * time.Hour }

// readVersion reads what verifiers got with one version of the targets. The
// first snapshot that names the version tells the time: it ends one of these
// expiries after it was signed.
func readVersion(files fs.FS, n, snapshots int64, now time.Time, expiries ...time.Duration) (version, error) {
	var targets struct {
		Signed struct {
			Targets map[string]struct {
				Hashes map[string]string `json:"hashes"`
			} `json:"targets"`
		} `json:"signed"`
	}
	if err := readJSON(files, fmt.Sprintf("%d.targets.json", n), &targets); err != nil {
		return version{}, err
	}
	sum := targets.Signed.Targets[tuf.TrustedRootName].Hashes["sha256"]
	data, err := fs.ReadFile(files, "targets/"+sum+"."+tuf.TrustedRootName)
	if err != nil {
		return version{}, err
	}
	if digest.Hex(data) != sum {
		return version{}, fmt.Errorf("the trusted root of %d.targets.json has other bytes than it says", n)
	}
	v := version{number: n}
	if v.text, err = canonical(data); err != nil {
		return version{}, err
	}
	for s := int64(1); s <= snapshots; s++ {
		var snapshot struct {
			Signed struct {
				Expires time.Time `json:"expires"`
				Meta    map[string]struct {
					Version int64 `json:"version"`
				} `json:"meta"`
			} `json:"signed"`
		}
		err := readJSON(files, fmt.Sprintf("%d.snapshot.json", s), &snapshot)
		if err == nil && snapshot.Signed.Meta["targets.json"].Version == n {
			v.published = signedAt(snapshot.Signed.Expires, now, expiries)
			return v, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return version{}, err
		}
	}
	return version{}, fmt.Errorf("no snapshot names version %d of the targets", n)
}

func readJSON(files fs.FS, name string, into any) error {
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// EarlyError is what is published and may not have reached every verifier.
type EarlyError struct {
	Published time.Time
	Ready     time.Time // when it has
}

// Error implements error.
func (e *EarlyError) Error() string {
	return fmt.Sprintf("it was published on %s, and verifiers may live on what they fetched before until %s",
		e.Published.Format(time.RFC3339), e.Ready.Format(time.RFC3339))
}

// Fetchable refuses what verifiers cannot be expected to have: raw is the DER
// of a certificate, or of a log's public key, in standard base64. A verifier
// asks again when its timestamp expires, so it may be that long behind, and
// the error is an *EarlyError; with the first version there is nothing to be
// behind.
func (p *Publication) Fetchable(raw string, now time.Time) error {
	if len(p.versions) == 0 || !strings.Contains(p.versions[0].text, raw) {
		return errors.New("the published trusted_root.json does not have it")
	}
	first := p.versions[0]
	for _, v := range p.versions[1:] {
		if !strings.Contains(v.text, raw) {
			break
		}
		first = v
	}
	wait := p.wait
	for _, w := range p.earlier {
		if w.until.Add(w.expiry).After(first.published) {
			wait = max(wait, w.expiry)
		}
	}
	ready := first.published.Add(wait)
	if first.number > 1 && now.Before(ready) {
		return &EarlyError{Published: first.published, Ready: ready}
	}
	return nil
}

// Reached refuses a generation that verifiers may not have, and returns until
// when one may be behind where it is urgent.
func (s *Source) Reached(g ledger.Generation) (time.Time, error) {
	var block *pem.Block
	file := ledger.File{}
	switch {
	case g.Certificate != nil:
		file = g.Certificate.File
	case g.Log != nil:
		file = g.Log.File
	}
	data, err := file.Read(s.Files)
	if err == nil {
		if block, _ = pem.Decode(data); block == nil {
			err = fmt.Errorf("%s holds no PEM", file.Path)
		}
	}
	if err != nil {
		return time.Time{}, err
	}
	return s.fetchable(g, block.Bytes)
}

// window is for how long a root had timestamps signed, and until when it was
// the newest.
type window struct {
	expiry time.Duration
	until  time.Time
}

// expiryPeriod is where a root says for how many days a role is signed, as
// pki/tuf and tuf-on-ci write it.
type expiryPeriod struct {
	Days int `json:"x-tuf-on-ci-expiry-period"`
}

// readWindows reads from every root for how long snapshot and timestamp were
// signed under it, and returns the snapshots' expiries. The plan says only what
// will be: it may have been edited since, and counts where roots do not say.
func (p *Publication) readWindows(files fs.FS, roots int, roles *plan.TUF) ([]time.Duration, error) {
	var snapshots []time.Duration
	for n := 1; n <= roots; n++ {
		var root struct {
			Signed struct {
				expiryPeriod
				Expires time.Time               `json:"expires"`
				Roles   map[string]expiryPeriod `json:"roles"`
			} `json:"signed"`
		}
		if err := readJSON(files, fmt.Sprintf("%d.root.json", n), &root); err != nil {
			return nil, err
		}
		snapshot, timestamp := root.Signed.Roles["snapshot"].Days, root.Signed.Roles["timestamp"].Days
		if snapshot <= 0 {
			snapshot = int(roles.Snapshot.Expiry)
		}
		if timestamp <= 0 {
			timestamp = int(roles.Timestamp.Expiry)
		}
		if n > 1 {
			p.earlier = append(p.earlier, window{expiry: p.wait, until: root.Signed.Expires.Add(-days(plan.Days(root.Signed.Days)))})
		}
		p.wait = days(plan.Days(timestamp))
		snapshots = append(snapshots, days(plan.Days(snapshot)))
	}
	slices.Sort(snapshots)
	return slices.Compact(snapshots), nil
}

// signedAt tells when something was signed that ends then, by the expiries in
// ascending order that it may have had: the last instant that is not to come.
func signedAt(end, now time.Time, expiries []time.Duration) time.Time {
	for _, expiry := range expiries {
		if at := end.Add(-expiry); !at.After(now) {
			return at
		}
	}
	return now
}

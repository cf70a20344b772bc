package services

import (
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/linnemanlabs/trustroot/pki/plan"
)

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

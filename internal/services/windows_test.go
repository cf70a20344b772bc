package services

import (
	"fmt"
	"testing"
	"testing/fstest"
	"time"

	"github.com/linnemanlabs/trustroot/pki/plan"
)

// roots are root.json files that say what is signed for how many days, each
// signed at a time.
func roots(t *testing.T, each ...root) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	for i, r := range each {
		files[fmt.Sprintf("%d.root.json", i+1)] = &fstest.MapFile{Data: fmt.Appendf(nil, `{"signed":{"expires":%q,"x-tuf-on-ci-expiry-period":100,"roles":{
			"snapshot":{"x-tuf-on-ci-expiry-period":%d},"timestamp":{"x-tuf-on-ci-expiry-period":%d}}}}`,
			r.at.AddDate(0, 0, 100).Format(time.RFC3339), r.snapshot, r.timestamp)}
	}
	return files
}

// root is what a root.json of a test says.
type root struct {
	at                  time.Time
	snapshot, timestamp int
}

func TestReadWindows_EditedPlanShortensNoWait(t *testing.T) {
	edited := &plan.TUF{}
	edited.Snapshot.Expiry, edited.Timestamp.Expiry = 400, 1 // as a root of tomorrow may have it
	p := &Publication{}
	expiries, err := p.readWindows(roots(t, root{now.AddDate(0, -1, 0), 30, 7}), 1, edited)
	if err != nil {
		t.Fatal(err)
	}
	if p.wait != days(7) || len(expiries) != 1 || expiries[0] != days(30) {
		t.Errorf("waits %s, snapshots of %s", p.wait, expiries)
	}
}

func TestFetchable_TimestampsOfTheRootBefore(t *testing.T) {
	published := now.AddDate(0, 0, -2)
	for _, c := range []struct {
		changed time.Time
		ready   time.Time
	}{
		{published, published.AddDate(0, 0, 7)},                   // by the publication itself
		{published.AddDate(0, 0, -8), published.AddDate(0, 0, 1)}, // none of the old ones was left
	} {
		p := &Publication{versions: []version{{number: 2, published: published, text: "key"}, {number: 1}}}
		expiries, err := p.readWindows(roots(t, root{now.AddDate(0, -1, 0), 30, 7}, root{c.changed, 3650, 1}), 2, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := signedAt(published.AddDate(0, 0, 3650), now, expiries); !got.Equal(published) {
			t.Errorf("signed at %s", got)
		}
		if got := signedAt(published.AddDate(0, 0, 30), now, expiries); !got.Equal(published) {
			t.Errorf("signed at %s", got)
		}
		if err := p.Fetchable("key", c.ready); err != nil {
			t.Error(err)
		}
		if err := p.Fetchable("key", c.ready.Add(-time.Second)); err == nil {
			t.Errorf("a verifier may live on what it fetched before until %s", c.ready)
		}
	}
}

package tuf

import (
	"bytes"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
)

// state is the versions of timestamp and snapshot.
func state(t *testing.T, st objects.Store) (timestamp, snapshot int64) {
	t.Helper()
	r, err := load(t.Context(), st)
	if err != nil {
		t.Fatal(err)
	}
	return r.timestamp.version(), r.snapshot.version()
}

func TestRefresh_AHundredTimes(t *testing.T) {
	w := newWorld(t)
	w.pol.Root = w.role(2, 730, 46, "alice", "bob", "carol")
	w.pol.Targets = w.role(2, 730, 46, "alice", "bob", "carol")
	w.pol.Timestamp = OnlineRole{Expiry: 7, Resign: 4}
	st := newMemory()
	w.publishFirst(st)
	root1 := w.root1(st)
	cache := t.TempDir()
	wantTimestamp, wantSnapshot := int64(1), int64(1)
	stampExpires, snapExpires := day(7), day(30)
	for i := range 100 {
		now := day0.Add(time.Duration(i) * 36 * time.Hour)
		due, err := refreshAt(t.Context(), st, w.online, w.pol, now)
		if err != nil {
			t.Fatalf("refresh %d: %v", i, err)
		}
		if !now.Before(snapExpires.Add(-10 * 24 * time.Hour)) {
			wantSnapshot++
			snapExpires = now.Add(30 * 24 * time.Hour)
			wantTimestamp++
			stampExpires = now.Add(7 * 24 * time.Hour)
		} else if !now.Before(stampExpires.Add(-4 * 24 * time.Hour)) {
			wantTimestamp++
			stampExpires = now.Add(7 * 24 * time.Hour)
		}
		if ts, sn := state(t, st); ts != wantTimestamp || sn != wantSnapshot {
			t.Fatalf("refresh %d: timestamp %d, snapshot %d; want %d and %d", i, ts, sn, wantTimestamp, wantSnapshot)
		}
		for _, name := range due.Written {
			if name != "timestamp.json" && name != fileName("timestamp", wantTimestamp) && name != fileName("snapshot", wantSnapshot) {
				t.Errorf("refresh %d touched %s", i, name)
			}
		}
		if _, err := verifyStore(t.Context(), st, root1, now, Cache(cache)); err != nil {
			t.Fatalf("refresh %d: %v", i, err)
		}
	}
	if wantTimestamp < 30 || wantSnapshot < 5 {
		t.Errorf("the clock hardly moved: timestamp %d, snapshot %d", wantTimestamp, wantSnapshot)
	}
}

func TestRefresh_SaysWhoMustSignNext(t *testing.T) {
	w := newWorld(t)
	st := newMemory()
	w.publishFirst(st)
	due, err := refreshAt(t.Context(), st, w.online, w.pol, day0)
	w.must(err)
	if len(due.Written) != 0 || len(People(due.Next)) != 0 {
		t.Errorf("nothing was due: %+v", due)
	}
	if due.Next[0].Role != "timestamp" || !due.Next[0].SignFrom.Equal(day(1)) {
		t.Errorf("next: %+v", due.Next[0])
	}
	due, err = refreshAt(t.Context(), st, w.online, w.pol, day(152))
	w.must(err)
	people := People(due.Next)
	if len(people) != 1 || people[0].Role != "root" || people[0].Threshold != 2 || !slices.Equal(people[0].Holders, []string{"alice", "bob", "carol"}) {
		t.Errorf("who must sign: %+v", people)
	}
}

func TestRefresh_EmptyPlaceIsRefused(t *testing.T) {
	w := newWorld(t)
	if _, err := refreshAt(t.Context(), newMemory(), w.online, w.pol, day0); err == nil {
		t.Error("refreshed nothing")
	}
}

func TestRefresh_AnotherRepositoryIsNotSigned(t *testing.T) {
	w, own := newWorld(t), newMemory()
	w.publishFirst(own)
	// an attacker fills a bucket with a repository that names our online key
	evil := newWorld(t)
	evil.online = w.online
	evil.pol.Online = w.online.Public()
	st := newMemory()
	evil.publishFirst(st)
	_, err := refreshAt(t.Context(), own, w.online, w.pol, day(5), placeOf(st))
	if err == nil || fault.ExitCode(err) != int(fault.Verification) {
		t.Errorf("signed for another repository: %v", err)
	}
	if ts, _ := state(t, st); ts != 1 {
		t.Errorf("timestamp %d", ts)
	}
	if ts, _ := state(t, own); ts != 2 {
		t.Errorf("our own copy was not refreshed: timestamp %d", ts)
	}
}

// race runs refreshes at once and returns what they wrote in all.
func race(t *testing.T, w *world, stores ...objects.Store) []string {
	t.Helper()
	var mu sync.Mutex
	var written []string
	var wg sync.WaitGroup
	for _, st := range stores {
		wg.Go(func() {
			due, err := refreshAt(t.Context(), st, w.online, w.pol, day(3))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			written = append(written, due.Written...)
		})
	}
	wg.Wait()
	slices.Sort(written)
	return written
}

func TestRefresh_TwoAtOnceInABucket(t *testing.T) {
	w := newWorld(t)
	for range 20 {
		st := newMemory()
		w.publishFirst(st)
		written := race(t, w, st, st, st, st)
		if ts, sn := state(t, st); ts != 2 || sn != 1 {
			t.Fatalf("timestamp %d, snapshot %d after %v", ts, sn, written)
		}
		if n := count(written, "2.timestamp.json"); n != 1 {
			t.Errorf("version 2 was written %d times", n)
		}
		if !bytes.Equal(st.objects["timestamp.json"], st.objects["2.timestamp.json"]) {
			t.Error("timestamp.json is not the version that was claimed")
		}
	}
}

func count(names []string, name string) int {
	n := 0
	for _, x := range names {
		if x == name {
			n++
		}
	}
	return n
}

func TestRefresh_TwoAtOnceInADirectory(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Join(t.TempDir(), "tuf")
	w.publishFirst(openDir(t, dir))
	// each has opened the directory itself, as two processes would
	written := race(t, w, openDir(t, dir), openDir(t, dir), openDir(t, dir))
	if ts, _ := state(t, openDir(t, dir)); ts != 2 || count(written, "timestamp.json") != 1 {
		t.Errorf("timestamp %d, written %v", ts, written)
	}
}

// a writer that stands still between its look and its write must not take
// timestamp.json back.
func TestRefresh_OvertakenWriterGivesWay(t *testing.T) {
	w := newWorld(t)
	st := newMemory()
	w.publishFirst(st)
	overtaken := false
	st.hook = func(name string) {
		if name != "timestamp.json" || overtaken {
			return
		}
		overtaken = true // the writers below come here too
		for _, n := range []int{3, 4} {
			if _, err := refreshAt(t.Context(), st, w.online, w.pol, day(n)); err != nil {
				t.Error(err)
			}
		}
	}
	if _, err := refreshAt(t.Context(), st, w.online, w.pol, day(3)); err != nil {
		t.Fatal(err)
	}
	if ts, _ := state(t, st); ts != 3 {
		t.Errorf("timestamp %d after a writer that reached 3", ts)
	}
}

func TestRefresh_WriterThatDiedAfterItsClaim(t *testing.T) {
	w := newWorld(t)
	st := newMemory()
	w.publishFirst(st)
	if _, err := refreshAt(t.Context(), &cut{Store: st, left: 1}, w.online, w.pol, day(3)); err == nil {
		t.Fatal("the cut did not happen")
	}
	left := string(st.objects["2.timestamp.json"])
	if left == "" {
		t.Fatal("the claim is not there")
	}
	if _, err := refreshAt(t.Context(), st, w.online, w.pol, day(3)); err != nil {
		t.Fatal(err)
	}
	if string(st.objects["timestamp.json"]) != left {
		t.Error("the claimed version was not the one published")
	}
	// one that was left behind long ago has expired and is passed over
	if _, err := refreshAt(t.Context(), &cut{Store: st, left: 1}, w.online, w.pol, day(6)); err == nil {
		t.Fatal("the cut did not happen")
	}
	if _, err := refreshAt(t.Context(), st, w.online, w.pol, day(20)); err != nil {
		t.Fatal(err)
	}
	if ts, _ := state(t, st); ts != 4 {
		t.Errorf("timestamp %d, want 4: 3 was claimed", ts)
	}
}

package tuf

import (
	"context"
	"crypto/elliptic"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
)

// cache is a web cache before a place that remembers for hours that a root was
// not there yet.
type cache struct {
	*memory
	now    *time.Time
	hours  time.Duration
	absent map[string]time.Time
}

func (c *cache) Read(ctx context.Context, name string, limit int64) ([]byte, error) {
	if since, known := c.absent[name]; known && c.now.Sub(since) < c.hours*time.Hour {
		return nil, objects.ErrNotFound
	}
	data, err := c.memory.Read(ctx, name, limit)
	if errors.Is(err, objects.ErrNotFound) && strings.HasSuffix(name, ".root.json") {
		c.absent[name] = *c.now
	}
	return data, err
}

// TestOnlineKey_ChangesBehindACacheThatMissesTheNewRoot plays the documented
// change: root names both keys and the old one signs on, then the new one
// signs, then root drops the old one. A client that asks every hour through a
// cache that keeps a 404 of the next root for 12 hours is never refused.
func TestOnlineKey_ChangesBehindACacheThatMissesTheNewRoot(t *testing.T) {
	w := newWorld(t)
	st := newMemory()
	w.publishFirst(st)
	root1, dir := w.root1(st), t.TempDir()
	now := day0
	behind := &cache{memory: st, now: &now, hours: 12, absent: map[string]time.Time{}}
	hours := func(n int, what string) {
		t.Helper()
		for range n {
			if _, err := newClient(t.Context(), behind, root1, now, dir); err != nil {
				t.Fatalf("%s, at %s: a client behind the cache is refused: %v", what, now, err)
			}
			if _, err := refreshAt(t.Context(), st, w.online, w.pol, now); err != nil {
				t.Fatal(err)
			}
			now = now.Add(time.Hour)
		}
	}
	hours(3, "before")
	old, next := w.online, testpki.Key(t, elliptic.P256())
	w.pol.NextOnline = &next.PublicKey
	w.publish(w.sign(w.stageRoot(st, now), "alice", "bob"), st, now)
	hours(30, "root names both, the old key signs")
	w.online, w.pol.Online, w.pol.NextOnline = next, next.Public(), nil
	hours(30, "the new key signs")
	w.publish(w.sign(w.stageRoot(st, now), "alice", "bob"), st, now)
	hours(30, "root has dropped the old key")
	r, err := load(t.Context(), st)
	w.must(err)
	if id := mustKeyID(t, old.Public()); r.root().root.Signed.Keys[id] != nil || r.version("root") != 3 {
		t.Error("the old key is still there")
	}
}

// Without the wait the same client is refused: the cache above can fail a change.
func TestOnlineKey_ChangedAtOnceTurnsSuchAClientAway(t *testing.T) {
	w := newWorld(t)
	st := newMemory()
	w.publishFirst(st)
	root1, dir := w.root1(st), t.TempDir()
	now := day0
	behind := &cache{memory: st, now: &now, hours: 12, absent: map[string]time.Time{}}
	if _, err := newClient(t.Context(), behind, root1, now, dir); err != nil {
		t.Fatal(err)
	}
	w.online = testpki.Key(t, elliptic.P256())
	w.pol.Online = w.online.Public()
	w.publish(w.sign(w.stageRoot(st, now), "alice", "bob"), st, now)
	if _, err := newClient(t.Context(), behind, root1, now, dir); err == nil {
		t.Error("the client took a timestamp of a key that its root does not name")
	}
}

func mustKeyID(t *testing.T, pub any) string {
	t.Helper()
	id, err := KeyID(pub)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

package tuf

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
	"github.com/linnemanlabs/trustroot/pki/tuf/store"
)

// day0 is the reference time of every test.
var day0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func day(n int) time.Time { return day0.Add(time.Duration(n) * 24 * time.Hour) }

// world is an organisation: holders with keys, an online key, a policy and
// targets.
type world struct {
	t       testing.TB
	keys    map[string]*ecdsa.PrivateKey
	online  *ecdsa.PrivateKey
	pol     Policy
	targets Targets
	staged  int
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, keys: map[string]*ecdsa.PrivateKey{}, online: testpki.Key(t, elliptic.P256())}
	for _, name := range []string{"alice", "bob", "carol"} {
		w.keys[name] = testpki.Key(t, elliptic.P256())
	}
	w.pol = Policy{
		Root:      w.role(2, 197, 46, "alice", "bob", "carol"),
		Targets:   w.role(2, 365, 31, "alice", "bob", "carol"),
		Snapshot:  OnlineRole{Expiry: 30, Resign: 10},
		Timestamp: OnlineRole{Expiry: 7, Resign: 6},
		Online:    w.online.Public(),
	}
	w.targets = Targets{Files: map[string][]byte{
		TrustedRootName:   []byte(`{"trusted":"root"}`),
		SigningConfigName: []byte(`{"signing":"config"}`),
		"fulcio.crt.pem":  []byte("certificate\n"),
	}, Usage: map[string]Usage{"fulcio.crt.pem": {Status: "Active", Usage: "Fulcio"}}}
	return w
}

func (w *world) holder(name string) Holder {
	if w.keys[name] == nil {
		w.keys[name] = testpki.Key(w.t, elliptic.P256())
	}
	return Holder{Name: name, PublicKey: &w.keys[name].PublicKey}
}

func (w *world) role(threshold, expiry, resign int, names ...string) RolePolicy {
	r := RolePolicy{Threshold: threshold}
	for _, name := range names {
		r.Holders = append(r.Holders, w.holder(name))
	}
	r.Expiry = plan.Days(expiry)
	r.Resign = plan.Days(resign)
	return r
}

// folder names a new staged folder.
func (w *world) folder() string {
	w.staged++
	return filepath.Join(w.t.TempDir(), fmt.Sprintf("staged-%d", w.staged))
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// sign lets holders sign and merges.
func (w *world) sign(s *Staged, names ...string) *Staged {
	w.t.Helper()
	for _, name := range names {
		w.must(signAs(s, name, w.keys[name]))
	}
	w.must(s.Merge())
	return s
}

func (w *world) init(now time.Time) *Staged {
	w.t.Helper()
	s, err := StageInit(w.folder(), w.pol, w.targets, now)
	w.must(err)
	return s
}

func (w *world) publish(s *Staged, to objects.Store, now time.Time, others ...*Place) *Published {
	w.t.Helper()
	p, err := publishTo(w.t.Context(), s, to, w.online, w.pol, now, others...)
	w.must(err)
	return p
}

// publishFirst stages, signs and publishes version 1.
func (w *world) publishFirst(to objects.Store) {
	w.t.Helper()
	w.publish(w.sign(w.init(day0), "alice", "bob"), to, day0)
}

func (w *world) stageTargets(from objects.Store, now time.Time) *Staged {
	w.t.Helper()
	s, err := StageTargets(w.t.Context(), w.folder(), from, w.pol, w.targets, now, false)
	w.must(err)
	return s
}

func (w *world) stageRoot(from objects.Store, now time.Time) *Staged {
	w.t.Helper()
	s, err := StageRoot(w.t.Context(), w.folder(), from, w.pol, now, false)
	w.must(err)
	return s
}

func (w *world) root1(st objects.Store) []byte {
	w.t.Helper()
	data, err := st.Read(w.t.Context(), "1.root.json", maxRoot)
	w.must(err)
	return data
}

func openDir(t testing.TB, dir string) objects.Store {
	t.Helper()
	st, err := store.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

// errCut is what a store returns after the write at which it was cut off.
var errCut = errors.New("cut off")

// cut is a store whose connection breaks at the nth write.
type cut struct {
	objects.Store
	mu   sync.Mutex
	left int
}

func (c *cut) count() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left--; c.left < 0 {
		return errCut
	}
	return nil
}

func (c *cut) WriteNew(ctx context.Context, name string, data []byte) error {
	if err := c.count(); err != nil {
		return err
	}
	return c.Store.WriteNew(ctx, name, data)
}

func (c *cut) Replace(ctx context.Context, name string, data []byte) error {
	if err := c.count(); err != nil {
		return err
	}
	return c.Store.Replace(ctx, name, data)
}

// memory is a bucket: conditional writes, no lock. It can call a hook before
// each write.
type memory struct {
	mu      sync.Mutex
	objects map[string][]byte
	hook    func(name string)
	broken  error // what every call answers
	forgets bool  // answers writes and keeps nothing
	alone   bool  // one writer at a time, as a folder has it
}

func newMemory() *memory { return &memory{objects: map[string][]byte{}} }

func (m *memory) clone() *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &memory{objects: maps.Clone(m.objects)}
}

func (m *memory) Read(ctx context.Context, name string, limit int64) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil {
		return nil, m.broken
	}
	data, ok := m.objects[name]
	if !ok {
		return nil, objects.ErrNotFound
	}
	if int64(len(data)) > limit {
		return nil, objects.ErrTooLarge
	}
	return data, ctx.Err()
}

func (m *memory) write(name string, data []byte, isNew bool) error {
	if m.hook != nil {
		m.hook(name)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := m.objects[name]; there && isNew {
		return objects.ErrExists
	}
	if m.broken != nil || m.forgets {
		return m.broken
	}
	m.objects[name] = data
	return nil
}

func (m *memory) WriteNew(ctx context.Context, name string, data []byte) error {
	return errors.Join(ctx.Err(), m.write(name, data, true))
}

func (m *memory) Replace(_ context.Context, name string, data []byte) error {
	return m.write(name, data, false)
}

func (m *memory) List(_ context.Context, prefix string) ([]objects.Object, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []objects.Object
	for _, name := range slices.Sorted(maps.Keys(m.objects)) {
		if strings.HasPrefix(name, prefix) {
			out = append(out, objects.Object{Name: name, Size: int64(len(m.objects[name]))})
		}
	}
	return out, nil
}

func (m *memory) Flush(context.Context) error                { return nil }
func (m *memory) Lock(context.Context) (func() error, error) { return func() error { return nil }, nil }
func (m *memory) Exclusive() bool                            { return m.alone }
func (m *memory) String() string                             { return "memory" }
func (m *memory) Close() error                               { return nil }

// failing is a signer that has its own reason.
type failing struct {
	crypto.Signer
	err error
}

func (f failing) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return nil, f.err }

// failsAt signs until its nth call.
type failsAt struct {
	failing
	left int
}

func (f *failsAt) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if f.left--; f.left <= 0 {
		return nil, f.err
	}
	return f.Signer.Sign(random, digest, opts)
}

// words are what a holder reads.
func words(s *Staged) string {
	d, err := s.Describe()
	if err != nil {
		return err.Error()
	}
	return d.String()
}

// signAs lets a holder read and sign.
func signAs(s *Staged, holder string, key crypto.Signer) error {
	d, err := s.Describe()
	if err != nil {
		return err
	}
	return d.Sign(holder, key)
}

// publishTo publishes to an own copy and to others.
func publishTo(ctx context.Context, s *Staged, to objects.Store, online crypto.Signer, pol Policy, now time.Time, others ...*Place) (*Published, error) {
	p := &Publisher{Own: &Place{Name: to.String(), Store: to}, Places: others, Online: online, Policy: pol, Now: now}
	err := p.Publish(ctx, s)
	return &p.Own.Published, err
}

// refreshed is what a refresh did and what comes next.
type refreshed struct {
	Published
	Next []Deadline
}

func refreshAt(ctx context.Context, to objects.Store, online crypto.Signer, pol Policy, now time.Time, others ...*Place) (refreshed, error) {
	p := &Publisher{Own: &Place{Name: to.String(), Store: to}, Places: others, Online: online, Policy: pol, Now: now}
	next, err := p.Refresh(ctx)
	return refreshed{p.Own.Published, next}, err
}

func placeOf(st objects.Store) *Place { return &Place{Name: st.String(), Store: st} }

// verifyStore is Verify for an open object.
func verifyStore(ctx context.Context, st objects.Store, rootJSON []byte, now time.Time, opts ...Option) (*Report, error) {
	r, err := verify(ctx, st, rootJSON, now, collect(opts), true)
	if err != nil {
		return nil, refused(st, err)
	}
	return r, nil
}

package tuf

import (
	"bytes"
	"context"
	"crypto/elliptic"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/needs"
	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
)

// copies are one repository in two trust directories, one of them a clone from
// before a change, and in three places.
type copies struct {
	*world
	first    *memory // as first published
	now, old *memory // own copies
	places   [3]*memory
	caches   [3]string // of a client that asks one place
	moving   string    // of a client that asks another each time
	change   *Staged
	root1    []byte
}

func newCopies(t *testing.T) *copies {
	t.Helper()
	c := &copies{world: newWorld(t), now: newMemory(), moving: t.TempDir()}
	others := make([]*Place, len(c.places))
	for i := range c.places {
		c.places[i], c.caches[i] = newMemory(), t.TempDir()
		others[i] = placeOf(c.places[i])
	}
	c.publish(c.sign(c.init(day0), "alice", "bob"), c.now, day0, others...)
	c.root1 = c.world.root1(c.now)
	c.first, c.old = c.now.clone(), c.now.clone()
	c.world.change()
	c.change = c.sign(c.stageTargets(c.now, day(2)), "alice", "carol")
	c.look("at first", day0)
	return c
}

// reset brings everything back to where newCopies left it.
func (c *copies) reset() {
	c.now, c.old = c.first.clone(), c.first.clone()
	for i := range c.places {
		c.places[i], c.caches[i] = c.first.clone(), c.t.(*testing.T).TempDir()
	}
	c.moving = c.t.(*testing.T).TempDir()
	c.look("at first", day0)
}

func (c *copies) publisher(own *memory, now time.Time, left int) *Publisher {
	tally := new(counter)
	tally.left.Store(int64(left))
	own.alone = true
	p := &Publisher{Own: &Place{Name: "own", Store: &cutAll{own, tally}}, Online: c.online, Policy: c.pol, Now: now}
	for i, m := range c.places {
		p.Places = append(p.Places, &Place{Name: fmt.Sprint("place ", i), Store: &cutAll{m, tally}})
	}
	return p
}

// counter ends a process at a write, whatever place it goes to.
type counter struct {
	left atomic.Int64
	kill func() // nil: the write fails
}

func (c *counter) cut() error {
	if c.left.Add(-1) >= 0 {
		return nil
	}
	if c.kill != nil {
		c.kill()
	}
	return errCut
}

type cutAll struct {
	objects.Store
	*counter
}

func (c *cutAll) WriteNew(ctx context.Context, name string, data []byte) error {
	if err := c.cut(); err != nil {
		return err
	}
	return c.Store.WriteNew(ctx, name, data)
}

func (c *cutAll) Replace(ctx context.Context, name string, data []byte) error {
	if err := c.cut(); err != nil {
		return err
	}
	return c.Store.Replace(ctx, name, data)
}

const never = 1 << 30

// steps are what people and timers do on the two copies.
var steps = map[string]func(c *copies, left int) error{
	"publish from the present copy": func(c *copies, left int) error {
		return c.publisher(c.now, day(2), left).Publish(c.t.Context(), c.change)
	},
	"publish from the old clone": func(c *copies, left int) error {
		return c.publisher(c.old, day(2).Add(time.Hour), left).Publish(c.t.Context(), c.change)
	},
	"refresh from the present copy": func(c *copies, left int) error {
		_, err := c.publisher(c.now, day(2), left).Refresh(c.t.Context())
		return err
	},
	"refresh from the old clone": func(c *copies, left int) error {
		_, err := c.publisher(c.old, day(2).Add(time.Hour), left).Refresh(c.t.Context())
		return err
	},
}

// look lets a client of each place refresh: none is ever refused.
func (c *copies) look(when string, now time.Time) {
	c.t.Helper()
	for i := range c.places {
		if _, err := newClient(c.t.Context(), c.places[i], c.root1, now, c.caches[i]); err != nil {
			c.t.Errorf("%s: a client of place %d is refused: %v", when, i, err)
		}
	}
}

// settled completes everything and compares the places.
func (c *copies) settled(when string) {
	c.t.Helper()
	for _, name := range []string{"publish from the present copy", "refresh from the present copy"} {
		if err := steps[name](c, never); err != nil {
			c.t.Fatalf("%s, then %s: %v", when, name, err)
		}
	}
	want, err := load(c.t.Context(), c.now)
	c.must(err)
	if want.version("targets") != 2 {
		c.t.Errorf("%s: targets %d", when, want.version("targets"))
	}
	for i, m := range c.places {
		for _, d := range []*document{want.root(), want.timestamp, want.snapshot, want.targets["targets"]} {
			if !bytes.Equal(m.objects[d.fileName()], d.raw) {
				c.t.Errorf("%s: place %d has another %s", when, i, d.fileName())
			}
		}
		if !bytes.Equal(m.objects["timestamp.json"], want.timestamp.raw) {
			c.t.Errorf("%s: place %d points elsewhere", when, i)
		}
		if _, err := newClient(c.t.Context(), m, c.root1, day(2), c.moving); err != nil {
			c.t.Errorf("%s: a client that moves to place %d is refused: %v", when, i, err)
		}
	}
	c.look(when+", at the end", day(2))
}

// orders are those of n steps, in groups: in a group each step is once the
// first, once the second and so on.
func orders(n int) (groups [][][]int) {
	rest := [][]int{{}}
	for step := 1; step < n; step++ {
		var longer [][]int
		for _, o := range rest {
			for at := range len(o) + 1 {
				longer = append(longer, slices.Insert(slices.Clone(o), at, step))
			}
		}
		rest = longer
	}
	for _, o := range rest {
		o = append([]int{0}, o...)
		var group [][]int
		for at := range o {
			group = append(group, slices.Concat(o[at:], o[:at]))
		}
		groups = append(groups, group)
	}
	return groups
}

// toPlay are all orders with TRUSTROOT_NIGHTLY, killed at every object, else
// another group each day, killed at every second.
func toPlay(t *testing.T, n int) (play [][]int, first, stride int) {
	t.Helper()
	groups := orders(n)
	if os.Getenv("TRUSTROOT_NIGHTLY") != "" {
		return slices.Concat(groups...), 0, 1
	}
	day := time.Now().YearDay()
	t.Logf("group %d of %d orders", day%len(groups)+1, len(groups))
	return groups[day%len(groups)], day / len(groups) % 2, 2
}

// TestPlaces_EveryOrderKilledAtEveryObject plays every order of publications
// and refreshes from a present copy and from an old one, each killed at every
// object that it writes.
func TestPlaces_EveryOrderKilledAtEveryObject(t *testing.T) {
	needs.Time(t)
	c := newCopies(t)
	names := slices.Sorted(maps.Keys(steps))
	play, first, stride := toPlay(t, len(names))
	kills := 0
	for _, order := range play {
		for killed := range order {
			for left := first; ; left += stride {
				c.reset()
				ended := false
				var when string
				begun, published := map[string]bool{}, map[string]bool{} // by which copy
				for at, step := range order {
					limit := never
					if at == killed {
						limit = left
					}
					when += "; " + names[step]
					err := steps[names[step]](c, limit)
					what, from, _ := strings.Cut(names[step], " from ")
					switch {
					case errors.Is(err, errCut):
						when += fmt.Sprintf(" killed at object %d", left)
						kills++
					case err == nil:
						ended = ended || at == killed
					case errors.Is(err, errStale) && fault.ExitCode(err) == int(fault.Verification) && what == "refresh" && len(begun) > 0 && !published[from]:
						ended = ended || at == killed // one that is old is told so
					default:
						t.Fatalf("%s: %v", when, err)
					}
					if what == "publish" {
						begun[from], published[from] = true, err == nil
					}
					c.look(when, day(2))
				}
				c.settled(when)
				if t.Failed() {
					return
				}
				if ended {
					break
				}
			}
		}
	}
	t.Logf("%d orders, killed %d times", len(play), kills)
}

func TestPlaces_ADirectoryThatIsBehindWritesNothing(t *testing.T) {
	c := newCopies(t)
	c.must(steps["publish from the present copy"](c, never))
	before, own := maps.Clone(c.places[0].objects), len(c.old.objects)
	c.targets.Files["fulcio.crt.pem"] = []byte("of the old clone")
	stale := c.sign(c.stageTargets(c.old, day(2)), "alice", "bob")
	err := c.publisher(c.old, day(2), never).Publish(t.Context(), stale)
	if err == nil || fault.ExitCode(err) != int(fault.Verification) || !strings.Contains(err.Error(), "published with other bytes") {
		t.Errorf("published from an old clone: %v", err)
	}
	_, err = c.publisher(c.old, day(2), never).Refresh(t.Context())
	if err == nil || fault.ExitCode(err) != int(fault.Verification) || !strings.Contains(err.Error(), "it shows version 2 of targets, and here is version 1") {
		t.Errorf("refreshed from an old clone: %v", err)
	}
	if !maps.EqualFunc(before, c.places[0].objects, bytes.Equal) || len(c.old.objects) != own {
		t.Error("a refused run wrote objects")
	}
}

func TestPlaces_OneThatWentBackIsNeverSignedFor(t *testing.T) {
	c := newCopies(t)
	back := c.places[1].clone()
	p := c.publisher(c.now, day(2), never)
	c.must(p.Publish(t.Context(), c.change))
	seen := p.Places[1].Seen
	if seen["targets"] != 2 || seen["timestamp"] != 2 {
		t.Fatalf("read back: %v", seen)
	}
	c.places[1] = back
	p = c.publisher(c.now, day(4), never)
	p.Places[1].Seen = seen
	_, err := p.Refresh(t.Context())
	if err == nil || fault.ExitCode(err) != int(fault.Verification) || !strings.Contains(err.Error(), "was read back there before") {
		t.Errorf("%v", err)
	}
	if ts, _ := state(t, back); ts != 1 {
		t.Errorf("signed for a place that went back: timestamp %d", ts)
	}
	if ts, _ := state(t, c.places[2]); ts != 3 {
		t.Errorf("the others were not refreshed: timestamp %d", ts)
	}
	p = c.publisher(c.now, day(4), never)
	p.Places[1].Seen, p.Places[1].Restore = seen, true
	if _, err := p.Refresh(t.Context()); err != nil {
		t.Error(err)
	}
	if ts, _ := state(t, back); ts != 3 {
		t.Errorf("not restored: timestamp %d", ts)
	}
}

func TestPlaces_UnreachableStopsAPublicationAndNotARefresh(t *testing.T) {
	c := newCopies(t)
	c.places[0].broken = fmt.Errorf("%w: connection refused", objects.ErrUnreachable)
	err := steps["publish from the present copy"](c, never)
	if err == nil || fault.ExitCode(err) != int(fault.Failure) || !strings.Contains(fault.Hint(err), "--without place 0") {
		t.Errorf("published past a place that cannot be reached: %v (%s)", err, fault.Hint(err))
	}
	if ts, _ := state(t, c.now); ts != 1 {
		t.Error("something was written")
	}
	err = steps["refresh from the present copy"](c, never)
	if err == nil || fault.ExitCode(err) != int(fault.Failure) || !strings.Contains(err.Error(), "place 0: ") {
		t.Errorf("%v", err)
	}
	if ts, _ := state(t, c.places[2]); ts != 2 {
		t.Errorf("the others were not refreshed: timestamp %d", ts)
	}
	c.places[0].broken = nil
	c.settled("the place is back")
}

func TestPlaces_AStoreThatKeepsNothingIsNotBelieved(t *testing.T) {
	c := newCopies(t)
	c.places[1].forgets = true
	err := steps["publish from the present copy"](c, never)
	if err == nil || fault.ExitCode(err) != int(fault.Failure) || !strings.Contains(err.Error(), "not there when it is read back") {
		t.Errorf("%v", err)
	}
}

func TestPlaces_RunawayTimestampIsNamedAndReplacedWithItsKey(t *testing.T) {
	for name, meta := range map[string]func(*metadata.TimestampType){
		"version": func(m *metadata.TimestampType) { m.Version = 1<<63 - 1 },
		"expiry":  func(m *metadata.TimestampType) { m.Version++; m.Expires = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCopies(t)
			d, err := load(t.Context(), c.now)
			c.must(err)
			evil := d.timestamp
			evil.timestamp.Signatures, evil.canon = nil, nil
			meta(&evil.timestamp.Signed)
			_, err = signDocument(evil, c.online)
			c.must(err)
			raw, err := evil.encode()
			c.must(err)
			for _, m := range append([]*memory{c.now}, c.places[:]...) {
				m.objects["timestamp.json"] = raw
			}
			// a client that believed it
			if _, err := newClient(t.Context(), c.places[0], c.root1, day(1), c.moving); err != nil {
				t.Fatal(err)
			}
			for _, step := range []string{"publish from the present copy", "refresh from the present copy"} {
				if err := steps[step](c, never); err == nil || fault.ExitCode(err) != int(fault.Verification) || !strings.Contains(fault.Hint(err), "docs/tuf.md") {
					t.Errorf("%s: %v", step, err)
				}
			}
			// the documented repair: another key, a root without the old one
			old := c.online
			c.online = testpki.Key(t, elliptic.P256())
			c.pol.Online = c.online.Public()
			s := c.sign(c.stageRoot(c.now, day(2)), "alice", "bob")
			if strings.Contains(words(s), "key added") != true || len(s.root().root.Signed.Roles["timestamp"].KeyIDs) != 1 {
				t.Fatalf("root keeps the old key beside the new one:\n%s", words(s))
			}
			c.must(c.publisher(c.now, day(2), never).Publish(t.Context(), s))
			for i, m := range c.places {
				if _, err := newClient(t.Context(), m, c.root1, day(2), c.moving); err != nil {
					t.Errorf("a client that saw the runaway is refused by place %d: %v", i, err)
				}
			}
			c.look("after the repair", day(2))
			if ts, _ := state(t, c.now); ts > 3 {
				t.Errorf("the count did not begin anew: %d", ts)
			}
			_ = old
		})
	}
}

//go:build conformance

package tuf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
	"github.com/linnemanlabs/trustroot/pki/tuf/store"
)

// realPlaces are the present trust directory's copy, a clone of it from before
// a change, and three places: two folders and a bucket of versitygw. Each step
// is taken by a process of its own.
type realPlaces struct {
	*clients
	bucket    string // URL of the gateway's bucket
	base      string // folder with the first publication
	world     string // what a publisher's process needs
	now, old  string // own copies
	places    [3]string
	stores    [3]objects.Store
	front     *front
	oldCaches string // of clients that saw the first publication
	resets    int
}

// front is one address that leads to another place each time.
type front struct {
	objects.Store
	at atomic.Pointer[objects.Store]
}

func (f *front) Read(ctx context.Context, name string, limit int64) ([]byte, error) {
	return (*f.at.Load()).Read(ctx, name, limit)
}

func newRealPlaces(t *testing.T) *realPlaces {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Second)
	p := &realPlaces{clients: newClients(t, now.Add(-48*time.Hour)), front: &front{}, oldCaches: t.TempDir()}
	p.bucket, _, _ = strings.Cut(gateway(t), "/tuf?")
	p.base, p.clients.now = p.st.String(), now
	p.w.targets.Files["fulcio.crt.pem"] = []byte("next certificate\n")
	p.world = p.w.save(p.w.sign(p.w.stageTargets(p.st, now), "alice", "carol"), now)
	p.url = serve(t, p.front)
	p.reset()
	p.cache = p.oldCaches
	p.follow("at first", p.stores[0], all)
	return p
}

func (p *realPlaces) copyTo(from, to string) {
	p.w.must(errors.Join(os.RemoveAll(to), os.CopyFS(to, os.DirFS(from))))
}

// reset brings everything back to the first publication.
func (p *realPlaces) reset() {
	p.resets++
	at := filepath.Join(p.t.TempDir(), "copies")
	p.now, p.old = filepath.Join(at, "now"), filepath.Join(at, "old")
	p.places = [3]string{filepath.Join(at, "first"), fmt.Sprintf("%s/%d?use_path_style=true", p.bucket, p.resets), filepath.Join(at, "last")}
	for _, folder := range []string{p.now, p.old, p.places[0], p.places[2]} {
		p.copyTo(p.base, folder)
	}
	for i, place := range p.places {
		st, err := store.Open(p.t.Context(), place)
		p.w.must(err)
		p.t.Cleanup(func() { p.w.must(st.Close()) })
		p.stores[i] = st
	}
	// the bucket is filled by a publication of the same bytes
	own := openDir(p.t, p.base)
	_, err := refreshAt(p.t.Context(), own, p.w.online, p.w.pol, p.clients.now.Add(-48*time.Hour), placeOf(p.stores[1]))
	p.w.must(err)
}

// take runs a step in a process that dies before the object that follows left
// others.
func (p *realPlaces) take(step string, left int) error {
	cmd := exec.Command(os.Args[0], "-test.run=^TestConformance_PlacesPublisher$")
	cmd.Env = append(os.Environ(), envPublisher+"="+p.world, "TRUSTROOT_STEP="+step, "TRUSTROOT_LEFT="+strconv.Itoa(left),
		"TRUSTROOT_OWN="+map[bool]string{true: p.old, false: p.now}[ofClone(step)], "TRUSTROOT_PLACE="+strings.Join(p.places[:], "|"))
	out, err := cmd.CombinedOutput()
	if dead, ok := errors.AsType[*exec.ExitError](err); ok && dead.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return errCut
	}
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

const (
	timer      = "refresh from the clone" // of another machine
	publish    = "publish"
	byTheOther = "publish from the clone"
)

func ofClone(step string) bool { return strings.HasSuffix(step, " from the clone") }

// TestConformance_PlacesPublisher is the process; alone it has nothing to do.
func TestConformance_PlacesPublisher(t *testing.T) {
	dir := os.Getenv(envPublisher)
	if dir == "" {
		return
	}
	w, s, now := saved(t, dir)
	left, err := strconv.Atoi(os.Getenv("TRUSTROOT_LEFT"))
	w.must(err)
	tally := &counter{kill: func() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL); select {} }}
	tally.left.Store(int64(left))
	open := func(at string) *Place {
		st, err := store.Open(t.Context(), at)
		w.must(err)
		return &Place{Name: at, Store: &cutAll{st, tally}}
	}
	pub := &Publisher{Own: open(os.Getenv("TRUSTROOT_OWN")), Online: w.online, Policy: w.pol, Now: now}
	for _, at := range strings.Split(os.Getenv("TRUSTROOT_PLACE"), "|") {
		pub.Places = append(pub.Places, open(at))
	}
	if strings.HasPrefix(os.Getenv("TRUSTROOT_STEP"), publish) {
		w.must(pub.Publish(t.Context(), s))
		return
	}
	_, err = pub.Refresh(t.Context())
	w.must(err)
}

// How many clients follow: go-tuf, tuf-js too, or all.
const (
	one = iota
	two
	all
)

// follow lets clients with their caches refresh from the front while it leads
// to a place.
func (p *realPlaces) follow(when string, to objects.Store, many int) {
	p.t.Helper()
	p.front.at.Store(&to)
	p.st = to
	names := []string{TrustedRootName, "fulcio.crt.pem"}
	refused := func(client string, err error) {
		if err != nil {
			check(p.t, when+", at "+to.String()+": "+client, err)
		}
	}
	_, err := p.goTUF(names)
	refused("go-tuf", err)
	if many >= two {
		_, err = npm(p.t, "tuf-js", p.url, p.root, filepath.Join(p.cache, "tuf-js"), p.clients.now, names...)
		refused("tuf-js", err)
	}
	if many == all {
		refused("cosign", p.cosignInitialize())
		refused("cosign", p.cosignVerify())
		_, err = npm(p.t, "sigstore", p.url, p.root, filepath.Join(p.cache, "sigstore"), p.clients.now, names...)
		refused("@sigstore/tuf", err)
	}
}

// move lets clients with the caches of the first publication go from place to
// place, from the one that is written last to the one that is written first.
func (p *realPlaces) move(when string, many int) {
	p.t.Helper()
	p.cache = filepath.Join(p.t.TempDir(), "caches")
	p.copyTo(p.oldCaches, p.cache)
	for _, st := range slices.Backward(p.stores[:]) {
		p.follow(when, st, many)
	}
}

// settled completes everything, compares the bytes of the places, and lets the
// clients go round.
func (p *realPlaces) settled(when string, many int) {
	p.t.Helper()
	for _, step := range []string{publish, "refresh"} {
		if err := p.take(step, never); err != nil {
			check(p.t, when+": "+step+" completes it", err)
			return
		}
	}
	own := openDir(p.t, p.now)
	want, err := load(p.t.Context(), own)
	p.w.must(err)
	for _, st := range p.stores {
		have, err := load(p.t.Context(), st)
		p.w.must(err)
		for _, d := range []*document{want.root(), want.timestamp, want.snapshot, want.targets["targets"]} {
			other := map[string]*document{"root": have.root(), "timestamp": have.timestamp, "snapshot": have.snapshot, "targets": have.targets["targets"]}[d.role]
			if !bytes.Equal(d.raw, other.raw) {
				check(p.t, when, fmt.Errorf("%s has other bytes in %s", d.fileName(), st))
			}
		}
	}
	p.move(when+", at the end", many)
	p.follow(when+", back", p.stores[2], many)
	p.follow(when+", and on", p.stores[1], many)
}

// TestConformance_Places plays orders of a publication, from either copy, and
// refreshes from both, each step killed at objects in turn, on folders and on
// versitygw: a few of them, others each day, and with TRUSTROOT_NIGHTLY every
// order at every object.
func TestConformance_Places(t *testing.T) {
	p := newRealPlaces(t)
	var groups [][][]string
	for _, by := range []string{publish, byTheOther} {
		names := []string{by, "refresh", timer}
		for _, group := range orders(len(names)) {
			var named [][]string
			for _, o := range group {
				named = append(named, []string{names[o[0]], names[o[1]], names[o[2]]})
			}
			groups = append(groups, named)
		}
	}
	play, stride := groups[time.Now().YearDay()%len(groups)], 6
	if os.Getenv("TRUSTROOT_NIGHTLY") != "" {
		play, stride = slices.Concat(groups...), 1
	}
	for n, order := range play {
		kills := 0
		for killed := range order {
			for left := n % stride; ; left += stride {
				p.reset()
				var when string
				ended := false
				begun, published := map[bool]bool{}, map[bool]bool{} // by which copy
				for at, step := range order {
					limit := never
					if at == killed {
						limit = left
					}
					err := p.take(step, limit)
					when += "; " + step
					old := strings.HasPrefix(step, "refresh") && begun[!ofClone(step)] && !published[ofClone(step)]
					switch {
					case errors.Is(err, errCut):
						when += fmt.Sprintf(" killed at object %d", left)
						kills++
						p.move(when, two)
					case err != nil && (!old || !strings.Contains(err.Error(), errStale.Error())):
						check(t, when, err)
						return
					default:
						ended = ended || at == killed
					}
					if strings.HasPrefix(step, publish) {
						begun[ofClone(step)], published[ofClone(step)] = true, err == nil
					}
				}
				if ended {
					p.settled(when, map[bool]int{true: all, false: two}[killed == n%len(order)])
					break
				}
				// what was killed is completed by the same commands
				for _, step := range []string{publish, "refresh"} {
					if err := p.take(step, never); err != nil {
						check(t, when+": "+step+" completes it", err)
						return
					}
				}
				p.move(when+", completed", one)
			}
		}
		check(t, fmt.Sprintf("versitygw and two folders: %s, killed %d times, nobody is refused on the way from place to place", strings.Join(order, ", "), kills), nil)
		if t.Failed() {
			return
		}
	}
}

package ceremony

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/internal/fault"
)

// state is what a token holds, to be compared later.
func state(c *chip) [4]int { return [4]int{len(c.Keys), len(c.Certs), total(c.Signed), c.PINs} }

// replay wants a request refused in a new folder, and no trace on the token.
func (w *world) replay(r *request.Request, why string) {
	w.t.Helper()
	before, remembered := state(w.chip), bytes.Clone(w.chip.Certs[memorySlot])
	o := w.options(r)
	o.Out = w.t.(*testing.T).TempDir()
	_, err := Run(context.Background(), o)
	refused(w.t, err, fault.Verification, why)
	if state(w.chip) != before || !bytes.Equal(w.chip.Certs[memorySlot], remembered) {
		w.t.Error("a trace on the token")
	}
}

func TestNewness_Replayed(t *testing.T) {
	w := newWorld(t)
	first := w.founding()
	v := w.hold(first)
	w.replay(first, "has worked for this very request before")
	w.replay(w.founding(), "the token has worked for request 1")
	second := w.renewal(v)
	w.hold(second)
	w.replay(second, "has worked for this very request before")
	w.replay(first, "this is request 1, and the token has worked for request 2")
}

func TestNewness_LedgerRewritten(t *testing.T) {
	w := newWorld(t)
	r := w.renewal(w.hold(w.founding()))
	m := w.memoryOf()
	m.LedgerHead = m.Request // a line that no ledger has: the token saw another ledger
	c, err := m.certificate()
	must(t, err)
	w.chip.Certs[memorySlot] = c.Raw
	w.replay(r, "does not hold the line that the token saw")
}

func (w *world) memoryOf() memory {
	w.t.Helper()
	d := &day{device: &device{chip: w.chip, operator: script()}}
	m, err := readMemory(d)
	must(w.t, err)
	return *m
}

func TestNewness_LedgerCutAtEveryLine(t *testing.T) {
	w := newWorld(t)
	r := w.renewal(w.hold(w.founding()))
	lines := bytes.SplitAfter(r.LedgerBytes, []byte("\n"))
	before := state(w.chip)
	for n := 1; n < len(lines)-1; n++ {
		// the admin host makes the request over a ledger that was cut
		dir := filepath.Join(t.TempDir(), "0002-renewal")
		files := map[string][]byte{}
		for name, data := range r.Files {
			files[name] = data
		}
		for _, name := range []string{request.ManifestFile, request.PlanFile, request.LedgerFile, request.SumsFile} {
			delete(files, name)
		}
		cut, err := request.Create(dir, request.Input{Ceremony: "renewal", Sequence: 2, Plan: r.PlanBytes, Ledger: bytes.Join(lines[:n], nil), Created: w.now, Files: files})
		if err != nil {
			refused(t, err, fault.Verification, "")
			continue
		}
		w.replay(cut, "ledger")
	}
	if state(w.chip) != before {
		t.Error("a trace on the token")
	}
}

func TestNewness_OtherPin(t *testing.T) {
	w := newWorld(t)
	r := w.founding()
	other := newWorld(t)
	// the request of another key, put in place on the stick
	for _, name := range []string{"authorities/fulcio/g1/request.csr", "authorities/fulcio/g1/key.json"} {
		must(t, os.WriteFile(filepath.Join(r.Path, name), other.founding().Files[name], 0o644))
	}
	_, err := request.Open(r.Path)
	refused(t, err, fault.Verification, "fulcio")
	files := map[string][]byte{}
	w.keyFiles(files, "tsa", 1, 3, "Example TSA")
	other.keyFiles(files, "fulcio", 1, 1, "Example Fulcio CA")
	_, err = request.Create(filepath.Join(t.TempDir(), "0001-founding"), request.Input{Ceremony: "founding", Sequence: 1, Plan: r.PlanBytes, Ledger: r.LedgerBytes, Created: w.now, Files: files})
	refused(t, err, fault.Verification, "fulcio")
	untouched(t, w.chip)
}

func TestNewness_ForeignMemory(t *testing.T) {
	w := newWorld(t)
	w.chip.Certs[memorySlot] = w.chip.F9
	_, err := Run(context.Background(), w.options(w.founding()))
	refused(t, err, fault.Device, "not what a ceremony writes there")
	if len(w.chip.Keys)+len(w.chip.Signed) != 0 {
		t.Error("a trace on the token")
	}
}

func TestNewness_MemoryErased(t *testing.T) {
	w := newWorld(t)
	r := w.founding()
	c := &cutter{at: 110, stop: func() error { return errCut }}
	if err := cutRun(w.options(r), w.chip, c); err == nil {
		t.Fatal("not cut")
	}
	if _, ok := w.chip.Certs[memorySlot]; !ok {
		t.Fatalf("cut too early, at %q", c.point)
	}
	delete(w.chip.Certs, memorySlot)
	_, err := Run(context.Background(), w.options(r))
	refused(t, err, fault.Device, "does not remember this ceremony")
}

func TestMemory_RoundTrip(t *testing.T) {
	m := memory{Sequence: 41, LedgerHead: hex64('a'), Request: hex64('b')}
	c, err := m.certificate()
	must(t, err)
	got, err := parseMemory(c)
	must(t, err)
	if got != m {
		t.Errorf("%v is read as %v", m, got)
	}
	for _, bad := range []memory{{0, hex64('a'), hex64('b')}, {1, "zz", hex64('b')}, {1, hex64('a'), ""}} {
		if c, err := bad.certificate(); err == nil {
			if _, err := parseMemory(c); err == nil {
				t.Errorf("%v is read", bad)
			}
		}
	}
}

func hex64(b byte) string { return string(bytes.Repeat([]byte{b}, 64)) }

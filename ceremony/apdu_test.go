//go:build cgo

package ceremony

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/linnemanlabs/trustroot/ceremony/journal"
	"github.com/linnemanlabs/trustroot/ceremony/record"
	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/internal/needs"
	"github.com/linnemanlabs/trustroot/yubikey"
	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

// token is a virtual YubiKey behind the real PC/SC daemon, and counts the keys
// that it makes and the signatures of its root key.
type token struct {
	*virtual.Card
	t       *testing.T
	readers *virtual.Readers
	mu      sync.Mutex
	sent    []string // instructions since the last look
}

// plug starts the daemon with one token. libpcsclite keeps its address for the
// life of the process, so a test binary does it once.
func plug(t *testing.T) *token {
	t.Helper()
	needs.That(t, virtual.Missing())
	k := &token{t: t}
	card, err := virtual.New(virtual.Options{Serial: rootToken, Log: k})
	must(t, err)
	k.Card = card
	k.readers, err = virtual.Start(t.Context(), "", card)
	must(t, err)
	t.Cleanup(func() { must(t, k.readers.Close()) })
	must(t, os.Setenv("PCSCLITE_CSOCK_NAME", k.readers.Socket()))
	return k
}

// Write takes a line of the card's log: number, CLA INS P1 P2, length, status.
func (k *token) Write(line []byte) (int, error) {
	f := strings.Split(string(line), "\t")
	if len(f) < 4 || len(f[1]) != 11 {
		return len(line), nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sent = append(k.sent, f[1])
	return len(line), nil
}

// look returns the commands since the last look.
func (k *token) look() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	sent := k.sent
	k.sent = nil
	return sent
}

// keeper is an operator for a real token.
type keeper struct{ Operator }

func (k keeper) PIN(yubikey.Identity, int) ([]byte, error)     { return []byte("315926"), nil }
func (k keeper) Touch(yubikey.Identity, yubikey.Slot, bool)    {}
func (k keeper) ConfirmLastTry(yubikey.Identity, string) error { return errors.New("no") }
func openReal(o Operator) func(context.Context, uint32) (Device, error) {
	return func(ctx context.Context, serial uint32) (Device, error) { return yubikey.Open(ctx, serial, keeper{o}) }
}

// fresh takes the token back to where it was provisioned.
func (k *token) fresh() {
	k.t.Helper()
	d, err := yubikey.Open(k.t.Context(), rootToken, keeper{script()})
	must(k.t, err)
	must(k.t, d.Reset())
	must(k.t, d.Provision(yubikey.ProvisionOptions{PIN: []byte("315926"), PUK: []byte("27182845"), ForRoot: true}))
	must(k.t, d.Close())
}

// pulledAt runs a ceremony with the token pulled out at an exchange, puts it
// back, and wants what one that was never cut leaves.
func (k *token) pulledAt(w *world, r *request.Request, n int, header string, kind virtual.FaultKind) {
	k.t.Helper()
	what := fmt.Sprintf("exchange %d, fault %d", n, kind)
	k.fresh()
	k.look()
	o := w.options(r)
	o.Linter, o.Open, o.Out = noLint{}, openReal(o.Operator), k.t.TempDir()
	k.SetFaults(virtual.Fault{At: k.Exchanges() + n, Kind: kind})
	_, err := Run(k.t.Context(), o)
	if err == nil {
		k.t.Errorf("%s: not noticed", what)
		return
	}
	for _, secret := range []string{"315926", "27182845"} {
		if strings.Contains(err.Error(), secret) {
			k.t.Errorf("%s: the error holds a secret", what)
		}
	}
	k.SetFaults()
	must(k.t, k.readers.Insert(k.Card))
	if ins := header[3:5]; ins == "a4" || ins == "fd" {
		// piv-go keeps the connection of an open that failed until its process
		// ends, and this process goes on
		must(k.t, k.readers.Restart(k.t.Context()))
	}
	path, err := Run(k.t.Context(), o)
	if err != nil {
		k.t.Errorf("%s: resumed: %v", what, err)
		return
	}
	v, err := Verify(path, quick)
	if err != nil {
		k.t.Errorf("%s: %v", what, err)
		return
	}
	k.accounted(what, v)
}

// accounted wants one key in each slot and no attempt outside the journal.
func (k *token) accounted(what string, v *Verified) {
	k.t.Helper()
	entries, err := journal.Verify(v.Record.Files[record.Journal])
	must(k.t, err)
	attempts := 0
	for _, e := range entries {
		if e.Kind == journal.KindIntent && strings.HasPrefix(e.Step, stepSign+" ") {
			attempts++
		}
	}
	signatures, generated := 0, map[string]int{}
	for _, header := range k.look() {
		switch {
		case strings.HasPrefix(header, "00 87") && strings.HasSuffix(header, "9c"):
			signatures++
		case strings.HasPrefix(header, "00 47"):
			generated[header]++
		}
	}
	if signatures < len(v.Issued) || signatures > attempts {
		k.t.Errorf("%s: %d commands to the root key for %d certificates and %d attempts", what, signatures, len(v.Issued), attempts)
	}
	for header, n := range generated {
		if n > 2 {
			k.t.Errorf("%s: %s sent %d times", what, header, n)
		}
	}
}

// envShare is a process's share of the points: "1/4" is the second of four.
const envShare = "CEREMONY_TEST_SHARE"

// TestPower_EveryExchangeOfARealToken pulls the token at every APDU of a root
// ceremony: before the command is carried out and, for those that change the
// token or sign, after it, when only the answer is lost. Most of its time is
// spent waiting for the daemon to see the token come and go, so that it is
// shared by processes, each with a daemon and a token of its own.
func TestPower_EveryExchangeOfARealToken(t *testing.T) {
	needs.Time(t)
	needs.That(t, virtual.Missing())
	t.Parallel()
	if share := os.Getenv(envShare); share != "" {
		pullShare(t, share)
		return
	}
	const shares = 4
	pulled, points := make([]int, shares), make([]int, shares)
	var wait sync.WaitGroup
	for n := range shares {
		wait.Go(func() {
			cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
			cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d/%d", envShare, n, shares))
			out, err := cmd.CombinedOutput()
			_, said, _ := strings.Cut(string(out), "pulled at ")
			if _, scanned := fmt.Sscanf(said, "%d of %d points", &pulled[n], &points[n]); err != nil || scanned != nil {
				t.Errorf("share %d: %v\n%s", n, errors.Join(err, scanned), out)
			}
		})
	}
	wait.Wait()
	all := 0
	for n := range shares {
		if all += pulled[n]; points[n] != points[0] {
			t.Errorf("share %d is of %d points, share 0 of %d", n, points[n], points[0])
		}
	}
	if all != points[0] || all < 70 {
		t.Errorf("pulled at %d points of %d", all, points[0])
	}
	t.Logf("pulled at each of %d points of a root ceremony: resumed every time", all)
}

func pullShare(t *testing.T, share string) {
	t.Helper()
	var n, shares int
	_, err := fmt.Sscanf(share, "%d/%d", &n, &shares)
	must(t, err)
	k := plug(t)
	w := newWorld(t)
	w.plan = strings.Replace(w.plan, w.plan[strings.Index(w.plan, "    -----BEGIN"):], k.roots(), 1)
	r := w.founding()
	k.fresh()
	k.look()
	o := w.options(r)
	o.Linter, o.Open, o.Out = noLint{}, openReal(o.Operator), t.TempDir()
	_, err = Run(t.Context(), o)
	must(t, err)
	points, pulled := 0, 0
	for i, header := range k.look() {
		kinds := []virtual.FaultKind{virtual.FaultRemoved}
		if slices.Contains([]string{"20", "47", "87", "db"}, header[3:5]) {
			kinds = append(kinds, virtual.FaultAnswerLost)
		}
		for _, kind := range kinds {
			if points++; points%shares == n {
				k.pulledAt(w, r, i+1, header, kind)
				pulled++
			}
		}
	}
	t.Logf("pulled at %d of %d points", pulled, points)
}

func (k *token) roots() string {
	var text strings.Builder
	for _, c := range append([]*x509.Certificate{k.AttestationRoot()}, k.AttestationIntermediates()...) {
		text.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	return "    " + strings.ReplaceAll(strings.TrimSpace(text.String()), "\n", "\n    ") + "\n"
}

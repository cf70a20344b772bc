package adopt_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/adopt"
	"github.com/linnemanlabs/trustroot/internal/publish"
	"github.com/linnemanlabs/trustroot/internal/renewal"
	"github.com/linnemanlabs/trustroot/internal/status"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/ledger"
)

// openedByHand adopts a hierarchy in which no switch was seen yet.
func openedByHand(t *testing.T) *trustdir.Dir {
	t.Helper()
	o := newHandMade(t).answers()
	for id := range o.Answers {
		if strings.HasPrefix(id, "cutover.") {
			o.Answers[id] = "open"
		}
	}
	a, err := adopt.Adopt(o, adopting)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "trust")
	if err := a.Write(dir, true); err != nil {
		t.Fatal(err)
	}
	d, err := trustdir.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestCutover_RefusesWhatNobodyCanHaveSeen(t *testing.T) {
	d := openedByHand(t)
	before := d.State.Entries
	for _, at := range []struct {
		names []string
		at    time.Time
		says  string
	}{
		{[]string{"fulcio"}, secondDay.Add(time.Second), "nobody was seen to use it"}, // no trusted root could be built
		{[]string{"fulcio"}, secondDay, "nobody was seen to use it"},
		{[]string{"root"}, secondDay, "roots are not cut over"},
		{[]string{"nobody"}, secondDay, "neither an authority nor a log"},
	} {
		if _, err := renewal.Cutover(d, ledger.Cutover{Names: at.names, At: at.at}, adopting); err == nil || !strings.Contains(err.Error(), at.says) {
			t.Errorf("%v: %v", at.names, err)
		}
	}
	if _, err := renewal.Cutover(d, ledger.Cutover{Names: []string{"fulcio"}, At: adopting.AddDate(0, 0, 1)}, adopting); err == nil || !strings.Contains(err.Error(), "lies ahead") {
		t.Errorf("ahead: %v", err)
	}
	if d.State.Entries != before {
		t.Error("a refused cutover was recorded")
	}
	// all of them in one recorded step
	c, err := renewal.Cutover(d, ledger.Cutover{Names: []string{"fulcio", "tsa", "rekor", "ctlog"}, At: switched}, adopting)
	if err != nil {
		t.Fatal(err)
	}
	if d.State.Entries != before+1 || len(c.Closed) != 4 {
		t.Errorf("recorded are %d lines, closed %+v", d.State.Entries-before, c.Closed)
	}
	for _, w := range c.Closed {
		if !w.End.Equal(switched) || w.Newer != 2 || w.Honours == "" {
			t.Errorf("%+v", w)
		}
	}
	// a compromise closes earlier and names those who do not look
	m, err := renewal.Assess(d, renewal.Theft{Key: "fulcio", Generation: 1, Since: secondDay, Reason: "a laptop was stolen"}, adopting)
	if err != nil {
		t.Fatal(err)
	}
	c, err = renewal.Compromise(d, m, adopting)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Closed) != 1 || !c.Closed[0].End.Equal(secondDay.Add(-time.Second)) || !strings.Contains(c.Closed[0].Honours, "sigstore-python ignores") {
		t.Errorf("closed is %+v", c.Closed)
	}
}

// A name without a generation follows the recorded cutover and never the clock:
// where the old certificate ended without one, status says so.
func TestCutover_NamesWaitForItThoughTheCertificateEnded(t *testing.T) {
	d := openedByHand(t)
	hands := func(generation string) {
		t.Helper()
		d, err := trustdir.Open(d.Path)
		if err == nil {
			_, err = publish.TrustedRoot(d)
		}
		if err != nil {
			t.Fatal(err)
		}
		plain, errP := os.ReadFile(filepath.Join(d.Path, "trust", "certs", "fulcio.crt"))
		numbered, errN := os.ReadFile(filepath.Join(d.Path, "trust", "certs", "fulcio-"+generation+".crt"))
		if errP != nil || errN != nil || !bytes.Equal(plain, numbered) {
			t.Errorf("certs/fulcio.crt is not that of %s: %v, %v", generation, errP, errN)
		}
	}
	hands("g1")
	late := d.State.Authorities["fulcio"][0].Certificate.NotAfter.Add(time.Hour)
	s, err := status.Read(d, t.Context(), late)
	if err != nil {
		t.Fatal(err)
	}
	warned := false
	for _, w := range s.Warnings {
		warned = warned || w.Name == "fulcio g1" && strings.Contains(w.Text, "no cutover to generation 2 is recorded: certs/fulcio.crt and every other name") && strings.HasPrefix(w.Do, "once the service was seen")
	}
	if !warned {
		t.Errorf("status warns of %+v", s.Warnings)
	}
	if _, err := renewal.Cutover(d, ledger.Cutover{Names: []string{"fulcio"}, At: switched}, late); err != nil {
		t.Fatal(err)
	}
	hands("g2")
}

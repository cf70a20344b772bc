package trustedroot

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

func TestDiff_SameFile(t *testing.T) {
	data := newWorld(t, 2).build(t)
	changes, err := Diff(data, data)
	if err != nil || len(changes) != 0 {
		t.Errorf("changes %v, error %v", changes, err)
	}
}

// A renewal publishes twice: first the new generation beside the old one, then
// the old one's end.
func TestDiff_RenewalInTwoSteps(t *testing.T) {
	first, beside, closed := newWorld(t, 1).build(t), newWorld(t, 2), newWorld(t, 2).build(t)
	for name := range beside.state.Logs {
		beside.state.Logs[name][0].End = nil
	}
	for name := range beside.state.Authorities {
		beside.state.Authorities[name][0].End = nil
	}
	added, err := Diff(first, beside.build(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(added) != 4 || added[0].Kind != Added || added[0].Path != "$.tlogs[1]" || added[0].KeyID != beside.state.Logs["rekor"][1].Log.LogID {
		t.Errorf("changes are %v", added)
	}
	ended, err := Diff(beside.build(t), closed)
	if err != nil {
		t.Fatal(err)
	}
	if len(ended) != 4 || ended[0].Kind != Closed || !strings.Contains(ended[0].Text, stamp(switched)) {
		t.Errorf("changes are %v", ended)
	}
	if !strings.Contains(ended[0].String(), "do not ask a Rekor v2 key") {
		t.Errorf("a closed log does not say who honours it: %s", ended[0])
	}
}

func TestDiff_Compromise(t *testing.T) {
	was, now := newWorld(t, 2), newWorld(t, 2)
	earlier := dayTwo.Add(time.Hour)
	now.state.Authorities["tsa"][0].End = &earlier
	changes, err := Diff(was.build(t), now.build(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(changes) != 1 || changes[0].Kind != Shortened || changes[0].Path != "$.timestampAuthorities[0]" {
		t.Errorf("changes are %v", changes)
	}
}

func TestDiff_Refuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(w *world, doc object)
		want   string
	}{
		{"LogVanished", func(_ *world, d object) { d["tlogs"] = d.list("tlogs")[1:] }, "$.tlogs[0] of the old file"},
		{"AuthorityVanished", func(_ *world, d object) { d["timestampAuthorities"] = d.list("timestampAuthorities")[:1] }, "$.timestampAuthorities[1] of the old file"},
		{"MovedToAnotherRole", func(_ *world, d object) {
			d["ctlogs"] = append(d.list("ctlogs"), d.list("tlogs")[0])
			d["tlogs"] = d.list("tlogs")[1:]
		}, "$.tlogs[0] of the old file"},
		{"URLChanged", func(_ *world, d object) { d.at("tlogs", 0)["baseUrl"] = "https://other.example.org" }, "its content has changed"},
		{"ChainChanged", func(w *world, d object) {
			certificates(d.at("certificateAuthorities", 0))[1] = map[string]any{"rawBytes": b64(w.tsa[0].cert.Raw)}
		}, "its content has changed"},
		{"KeyReplaced", func(w *world, d object) {
			d.at("ctlogs", 0).in("publicKey")["rawBytes"] = d.at("tlogs", 0).in("publicKey")["rawBytes"]
		}, "$.ctlogs[0] of the old file"},
		{"StartMoved", func(_ *world, d object) {
			d.at("ctlogs", 0).in("publicKey", "validFor")["start"] = "2026-02-01T00:00:00Z"
		}, "its window was"},
		{"Reopened", func(_ *world, d object) { delete(d.at("certificateAuthorities", 0).in("validFor"), "end") }, "is open again"},
		{"EndMovedLater", func(_ *world, d object) { d.at("certificateAuthorities", 0).in("validFor")["end"] = stamp(after) }, "and ends"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 2)
			was := w.build(t)
			var doc object
			if err := json.Unmarshal(was, &doc); err != nil {
				t.Fatal(err)
			}
			c.change(w, doc)
			now, err := json.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Diff(was, now); err == nil || !strings.Contains(err.Error(), c.want) || fault.ExitCode(err) != int(fault.Verification) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestDiff_NotATrustedRoot(t *testing.T) {
	data := newWorld(t, 1).build(t)
	if _, err := Diff([]byte("{}"), data); err == nil || !strings.HasPrefix(err.Error(), "old file: ") {
		t.Errorf("error is %v", err)
	}
	if _, err := Diff(data, []byte("{}")); err == nil || !strings.HasPrefix(err.Error(), "new file: ") {
		t.Errorf("error is %v", err)
	}
}

// The slash of a URL and the subject beside a chain are repaired, not refused:
// no verifier reads them.
func TestDiff_RepairedForms(t *testing.T) {
	data := string(newWorld(t, 1).build(t))
	old := strings.NewReplacer(`"https://rekor.example.org"`, `"https://REKOR.example.org/"`, `/api/v1/timestamp"`, `/"`, `"Example Root CA"`, `"Example Fulcio CA"`).Replace(data)
	changes, err := Diff([]byte(old), []byte(data))
	if err != nil || len(changes) == 0 || slices.ContainsFunc(changes, func(c Change) bool { return c.Kind != Repaired }) {
		t.Errorf("changes %v, %v", changes, err)
	}
	if _, err := Diff([]byte(strings.Replace(data, "https://rekor.example.org", "https://rekor.example.net", 1)), []byte(data)); err == nil {
		t.Error("another host was accepted")
	}
}

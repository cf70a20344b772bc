package ceremony

import (
	"bytes"
	"crypto/elliptic"
	"crypto/x509"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/ceremony/record"
	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/services"
	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/internal/testpki/sigstore"
	"github.com/linnemanlabs/trustroot/pki/anchor"
	"github.com/linnemanlabs/trustroot/pki/checkpoint"
	instance "github.com/linnemanlabs/trustroot/pki/trustedroot/world"
)

// harbour is the organization's timestamp authority and log, the log under one
// of its keys.
func (w *world) harbour(log string) services.Anchorage {
	w.t.Helper()
	s := &instance.Services{TSA: w.tsa, TSAKey: w.keys["tsa/1"], RekorKey: w.keys[log], RekorOrigin: "rekor.example.com"}
	tsa := httptest.NewServer(sigstore.TimestampHandler(s, time.Now))
	w.t.(*testing.T).Cleanup(tsa.Close)
	entries := sigstore.NewLog(s)
	for _, other := range []string{"a", "b", "c", "d", "e"} {
		_, err := entries.Add([]byte(other))
		must(w.t, err)
	}
	rekor := httptest.NewServer(entries)
	w.t.(*testing.T).Cleanup(rekor.Close)
	key, err := checkpoint.New(checkpoint.RekorV2, s.RekorOrigin, s.RekorKey.Public())
	must(w.t, err)
	return services.Anchorage{TSA: tsa.URL, Rekor: rekor.URL, Logs: []checkpoint.Key{key}, Say: w.t.Logf}
}

// anchor anchors a record and returns the anchor's name.
func (w *world) anchor(path, log string) string {
	w.t.Helper()
	v := w.verify(path)
	for _, i := range v.Issued {
		if i.Authority == "tsa" {
			w.tsa = i.Certificate
		}
	}
	subject, err := v.AnchorSubject()
	must(w.t, err)
	files, made, err := w.harbour(log).Anchor(w.t.(*testing.T).Context(), subject)
	must(w.t, err)
	must(w.t, record.AddAnchor(path, made.Name, files))
	return made.Name
}

// claimed is how a claim that begins so is made: "proved", "believed" or "".
func claimed(v *Verified, begins string) (how, by string) {
	for _, c := range v.Claims {
		if strings.HasPrefix(c.Text, begins) && c.People {
			return "believed", c.By
		} else if strings.HasPrefix(c.Text, begins) {
			return "proved", c.By
		}
	}
	return "", ""
}

const (
	existed = "the record existed on or before "
	logged  = "the record key's signature is entry 5 of the log rekor.example.com"
)

func TestVerify_Anchors(t *testing.T) {
	w := newWorld(t)
	path := w.hold(w.founding()).Record.Path
	if how, _ := claimed(w.verify(path), existed); how != "" {
		t.Errorf("%s without an anchor", how)
	}
	w.anchor(path, "rekor/1")
	v := w.verify(path)
	if how, by := claimed(v, existed); how != "proved" || !strings.Contains(by, "a timestamp of Example TSA") {
		t.Errorf("%q %q", how, by)
	}
	if how, by := claimed(v, logged); how != "proved" || !strings.Contains(by, "the record's plan pins for rekor g1") {
		t.Errorf("%q %q", how, by)
	}
	if len(v.Anchors) != 1 {
		t.Errorf("%d anchors", len(v.Anchors))
	}
}

// the log's key of a later generation is not in the record's plan
func TestVerify_AnchorUnderALaterLogKey(t *testing.T) {
	w := newWorld(t)
	w.keys["rekor/2"] = testpki.Key(t, elliptic.P256())
	path := w.hold(w.founding()).Record.Path
	name := w.anchor(path, "rekor/2")
	v := w.verify(path)
	if how, by := claimed(v, logged); how != "believed" || !strings.Contains(by, "--trusted-root") {
		t.Errorf("%q %q", how, by)
	}
	if how, _ := claimed(v, existed); how != "proved" {
		t.Errorf("the timestamp is %q", how)
	}
	o := quick
	o.Logs = []LogKey{{"rekor.example.com", w.pin("rekor/2")}}
	v, err := Verify(path, o)
	must(t, err)
	if how, by := claimed(v, logged); how != "proved" || !strings.Contains(by, "trusted root") {
		t.Errorf("%q %q", how, by)
	}
	for _, keys := range [][]LogKey{{}, {{"rekor.example.org", w.pin("rekor/2")}}, {{"rekor.example.com", w.pin("rekor/1")}}} {
		o.Logs = keys
		_, err = Verify(path, o)
		refused(t, err, fault.Verification, "anchors/"+name+"/rekor.pub: neither the record's plan")
	}
}

func TestVerify_AnchorOfAnotherRecord(t *testing.T) {
	w := newWorld(t)
	first := w.hold(w.founding())
	second := w.hold(w.renewal(first))
	w.anchor(first.Record.Path, "rekor/1")
	must(t, os.CopyFS(filepath.Join(second.Record.Path, record.AnchorsDir), os.DirFS(filepath.Join(first.Record.Path, record.AnchorsDir))))
	_, err := Verify(second.Record.Path, quick)
	refused(t, err, fault.Verification, "the record existed when its anchors say")
}

// a forger without keys writes SHA256SUMS anew
func TestVerify_AnchorForged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.hold(w.founding()).Record.Path
	name := w.anchor(path, "rekor/1")
	good := w.verify(path).Record.Anchors[name]
	dir := filepath.Join(path, record.AnchorsDir, name)
	write := func(files map[string][]byte) {
		t.Helper()
		must(t, os.RemoveAll(dir))
		must(t, courier.WriteFolder(dir, files))
	}
	found, open := 0, 0
	for _, file := range []string{anchor.BundleFile, anchor.ChainFile, anchor.LogKeyFile, anchor.TimestampFile} {
		for at := 0; at < len(good[file]); at += 1 + len(good[file])/29 {
			bad := map[string][]byte{}
			for n, data := range good {
				bad[n] = bytes.Clone(data)
			}
			bad[file][at] ^= 1
			delete(bad, courier.SumsFile)
			bad[courier.SumsFile] = courier.Sums(bad)
			write(bad)
			_, err := Verify(path, quick)
			if err == nil && (file == anchor.TimestampFile || file == anchor.BundleFile) {
				open++ // a timestamp's DER has bytes that no signature covers
				continue
			}
			named(t, err, dir[strings.LastIndex(dir, "/")+1:])
			found++
		}
	}
	if t.Logf("%d forged bytes were found, %d are open", found, open); open > found/20 {
		t.Errorf("%d of %d forged bytes were taken", open, open+found)
	}
	for _, file := range courier.Names(good) {
		bad := map[string][]byte{}
		for n, data := range good {
			if n != file {
				bad[n] = data
			}
		}
		write(bad)
		_, err := Verify(path, quick)
		named(t, err, file)
	}
	write(good)
	w.verify(path)
	must(t, os.Mkdir(filepath.Join(path, record.AnchorsDir, ".2026-11-22T10-00-00Z.tmp-1"), 0o755))
	w.verify(path) // what a killed run left is not a part of the record
}

// the authority's certificate must lead to the record's own root
func TestVerify_AnchorUnderAnotherRoot(t *testing.T) {
	w := newWorld(t)
	v := w.hold(w.founding())
	other, root, err := sigstore.Fresh("rekor.example.com", w.now)
	must(t, err)
	w.tsa = other.TSA
	subject, err := v.AnchorSubject()
	must(t, err)
	subject.Root = root // who anchors takes another root for the record's
	a := w.harbour("rekor/1")
	tsa := httptest.NewServer(sigstore.TimestampHandler(other, time.Now))
	t.Cleanup(tsa.Close)
	a.TSA, a.Between = tsa.URL, []*x509.Certificate{other.TSA}
	files, made, err := a.Anchor(t.Context(), subject)
	must(t, err)
	must(t, record.AddAnchor(v.Record.Path, made.Name, files))
	_, err = Verify(v.Record.Path, quick)
	refused(t, err, fault.Verification, anchor.ChainFile+": it does not end in the root")
}

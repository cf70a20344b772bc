package publish

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/pki/tuf"
)

// targets are the files of trust/ under the names that clients ask for, the
// keys of applications, and the ledger's head.
func targets(d *trustdir.Dir) (tuf.Targets, error) {
	t := tuf.Targets{Files: map[string][]byte{}, Usage: map[string]tuf.Usage{}}
	var errs []error
	read := func(name, path string) {
		data, err := fs.ReadFile(d.FS(), path)
		if err != nil {
			err = fault.New(fault.Failure, "build it first with `trustroot trusted-root build` and `trustroot signing-config build`", fmt.Errorf("read the target %s: %w", name, err))
			errs = append(errs, err)
			return
		}
		t.Files[name] = data
	}
	read(tuf.TrustedRootName, trustdir.TrustedRootFile)
	read(tuf.SigningConfigName, trustdir.SigningConfigFile)
	for _, folder := range []string{"certs", "crls", "keys"} {
		found, err := fs.Glob(d.FS(), "trust/"+folder+"/*")
		errs = append(errs, err)
		for _, path := range found {
			read(strings.TrimPrefix(path, "trust/"), path)
		}
	}
	for name := range d.Plan.Apps {
		found, err := fs.Glob(d.FS(), "apps/"+name+"/g*/key.pem")
		errs = append(errs, err)
		for _, path := range found {
			// apps/NAME/gN/key.pem is the target apps/NAME/gN.pub
			if !ended(d, name, path) {
				read(strings.TrimSuffix(path, "/key.pem")+".pub", path)
			}
		}
	}
	consumers, err := consumerTargets(d)
	errs = append(errs, err)
	maps.Copy(t.Files, consumers)
	last, err := retiredLogs(d)
	errs = append(errs, err)
	if last != nil {
		t.Files[trustdir.RetiredLogsTarget] = last
	}
	for name := range t.Files {
		if usage, ok := usage(d, name); ok {
			t.Usage[name] = usage
		}
	}
	head, err := json.Marshal(trustdir.LedgerHead{Entries: d.State.Entries, Head: d.State.Head, Left: d.State.LeftKeys()})
	t.Files[trustdir.LedgerHeadTarget] = append(head, '\n')
	return t, errors.Join(append(errs, err)...)
}

// ended reports whether the ledger has ended the key of an application's file:
// verifiers accept it until its target is gone.
func ended(d *trustdir.Dir, name, path string) bool {
	for _, g := range d.State.Apps[name] {
		if g.App.File.Path == path && g.End != nil {
			return true
		}
	}
	return false
}

// usage is the custom metadata of certificates and keys, by which clients that
// know no trusted_root.json find their targets. A generation is told once, under
// its numbered name.
func usage(d *trustdir.Dir, name string) (tuf.Usage, bool) {
	for authority, a := range d.Plan.Authorities {
		kind := map[string]string{"fulcio-ca": "Fulcio", "tsa": "TSA", "tsa-leaf": "TSA"}[a.Profile]
		for _, g := range d.State.Authorities[authority] {
			if kind != "" && name == fmt.Sprintf("certs/%s-g%d-chain.pem", authority, g.Number) {
				return tuf.Usage{Status: status(g), Usage: kind, URI: cmp.Or(g.Certificate.URL, a.URL)}, true
			}
		}
	}
	for log, l := range d.Plan.Logs {
		kind := map[string]string{plan.RekorV2: "Rekor", plan.StaticCT: "CTFE"}[l.Kind]
		for _, g := range d.State.Logs[log] {
			if name == fmt.Sprintf("keys/%s-g%d.pub", log, g.Number) {
				return tuf.Usage{Status: status(g), Usage: kind, URI: g.Log.URL}, true
			}
		}
	}
	return tuf.Usage{}, false
}

// status says whether a generation's window is still open: for clients an
// expired key is one that signs nothing new.
func status(g ledger.Generation) string {
	if g.End != nil {
		return "Expired"
	}
	return "Active"
}

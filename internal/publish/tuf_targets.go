package publish

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/services"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/pki/tuf"
)

// targets are the derived files under the names that clients ask for, the keys
// of applications, and the ledger's head.
func targets(d *trustdir.Dir) (tuf.Targets, error) {
	files, err := Derive(d)
	if err != nil {
		return tuf.Targets{}, err
	}
	t := tuf.Targets{Files: map[string][]byte{}, Usage: map[string]tuf.Usage{}}
	for name, data := range files {
		switch name {
		case trustdir.PortalFile:
		case trustdir.TrustedRootFile:
			t.Files[tuf.TrustedRootName] = data
		case trustdir.SigningConfigFile:
			t.Files[tuf.SigningConfigName] = data
		default:
			t.Files[strings.TrimPrefix(name, "trust/")] = data
		}
	}
	var errs []error
	for name := range d.Plan.Apps {
		for _, g := range d.State.Apps[name] {
			if g.End != nil {
				continue // verifiers accept an application's key until its target is gone
			}
			data, err := g.App.File.Read(d.FS())
			if err != nil {
				errs = append(errs, fault.New(fault.Verification, "restore it from version control", err))
			}
			t.Files[fmt.Sprintf("apps/%s/g%d.pub", name, g.Number)] = data
		}
	}
	consumers, err := renderPublished(d, "", asTargets)
	errs = append(errs, err)
	maps.Copy(t.Files, consumers)
	last, err := retiredLogs(d)
	errs = append(errs, err)
	if last != nil {
		t.Files[trustdir.RetiredLogsTarget] = last
	}
	policies, err := witnessPolicies(d)
	errs = append(errs, err)
	maps.Copy(t.Files, policies)
	for name, usage := range usages(d) {
		if _, there := t.Files[name]; there {
			t.Usage[name] = usage
		}
	}
	head, err := json.Marshal(trustdir.LedgerHead{Entries: d.State.Entries, Head: d.State.Head, Left: d.State.LeftKeys()})
	t.Files[trustdir.LedgerHeadTarget] = append(head, '\n')
	return t, errors.Join(append(errs, err)...)
}

// usages are the custom metadata of certificates and keys by target, by which
// clients that know no trusted_root.json find them. A generation is told once,
// under its numbered name. Of the TSAs only the chain in use is told: those
// clients join all chains of a usage, whatever their status, and refuse a second
// leaf.
func usages(d *trustdir.Dir) map[string]tuf.Usage {
	out := map[string]tuf.Usage{}
	tsa := false
	for _, name := range slices.Sorted(maps.Keys(d.Plan.Authorities)) {
		a, generations := d.Plan.Authorities[name], d.State.Authorities[name]
		kind := map[string]string{pki.ProfileFulcioCA: "Fulcio", pki.ProfileTSA: "TSA", pki.ProfileTSALeaf: "TSA"}[a.Profile]
		if kind == "" || len(generations) == 0 || kind == "TSA" && tsa {
			continue
		}
		if kind == "TSA" {
			tsa = true
			only := inUse(generations)
			generations = slices.DeleteFunc(slices.Clone(generations), func(g ledger.Generation) bool { return g.Number != only })
		}
		for _, g := range generations {
			out[fmt.Sprintf("certs/%s-g%d-chain.pem", name, g.Number)] = tuf.Usage{Status: status(g), Usage: kind, URI: cmp.Or(g.Certificate.URL, a.URL)}
		}
	}
	for name, l := range d.Plan.Logs {
		kind := map[string]string{plan.RekorV2: "Rekor", plan.StaticCT: "CTFE"}[l.Kind]
		for _, g := range d.State.Logs[name] {
			out[fmt.Sprintf("keys/%s-g%d.pub", name, g.Number)] = tuf.Usage{Status: status(g), Usage: kind, URI: g.Log.URL}
		}
	}
	return out
}

// status says whether a generation's window is still open: for clients an
// expired key is one that signs nothing new.
func status(g ledger.Generation) string {
	if g.End != nil {
		return "Expired"
	}
	return "Active"
}

// witnessPolicies are the tlog-policies of the logs that have witnesses, with
// the newest generation of each, for gates and monitors that demand the quorum.
func witnessPolicies(d *trustdir.Dir) (map[string][]byte, error) {
	source := services.Source{Plan: d.Plan, State: d.State, Files: d.FS()}
	files := map[string][]byte{}
	for name := range d.Plan.Logs {
		g := ledger.Newest(d.State.Logs[name])
		if g == nil || g.Retired != nil {
			continue
		}
		data, err := source.WitnessPolicy(name, *g)
		if err != nil {
			return nil, fmt.Errorf("witness policy of %s: %w", name, err)
		}
		if data != nil {
			files["witness-policies/"+name+".txt"] = data
		}
	}
	return files, nil
}

package publish

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/finding"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/pki/trustedroot"
	"github.com/linnemanlabs/trustroot/pki/trustedroot/judge"
)

// Built is a trusted root or signing config that was written.
type Built struct {
	Data []byte
	// Changes are what it adds to the file that was there; nil where none was.
	Changes []trustedroot.Change
	// Findings are what the linter says of it: warnings and less.
	Findings []finding.Finding
}

// TrustedRoot writes trusted_root.json from ledger and plan, the
// certificates and keys that it speaks of beside it, and index.html. Nothing
// is written where the linter finds an error, or where a published entry would
// be lost or changed; where nothing is published, an entry of the file that is
// there.
func TrustedRoot(d *trustdir.Dir) (*Built, error) {
	data, err := trustedRootBytes(d)
	if err != nil {
		return nil, err
	}
	b := &Built{Data: data}
	if b.Findings, err = trustedroot.Lint(data, lintOptions(d, nil)); err != nil {
		return nil, err
	}
	if err := trustedroot.Worst(b.Findings); err != nil {
		return nil, fmt.Errorf("nothing was written: %w", err)
	}
	old, err := fs.ReadFile(d.FS(), trustdir.TrustedRootFile)
	if err == nil {
		b.Changes, err = trustedroot.Diff(old, data, d.State.LeftKeys()...)
	}
	published, errPublished := publishedRoot(d)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case errPublished != nil:
		return nil, errPublished
	case published != nil:
		if err := checkPublishedRoot(d, data); err != nil {
			return nil, fmt.Errorf("nothing was written: %w", err)
		}
	case err != nil:
		return nil, fault.New(fault.Verification, "find out who wrote that entry, move the file aside, and build it again",
			fmt.Errorf("compare with %s: %w; nothing was written", trustdir.TrustedRootFile, err))
	}
	files, err := servedFiles(d)
	if err != nil {
		return nil, err
	}
	if files[trustdir.PortalFile], err = portal(d, data); err != nil {
		return nil, err
	}
	files[trustdir.TrustedRootFile] = data
	rendered, err := renderPublished(d, "trust/", plan.Forms)
	if err != nil {
		return nil, err
	}
	maps.Copy(files, rendered)
	return b, d.Replace(aliased(d, files))
}

// trustedRootBytes returns the trusted root of ledger and plan.
func trustedRootBytes(d *trustdir.Dir) ([]byte, error) {
	return trustedroot.Derive(d.Plan, d.State, d.FS())
}

// SigningConfig writes the signing config from ledger and plan. Nothing
// is written where the linter finds an error, the trusted root of the same
// ledger beside it.
func SigningConfig(d *trustdir.Dir) (*Built, error) {
	data, err := trustedroot.DeriveSigningConfig(d.Plan, d.State, d.FS())
	if err != nil {
		return nil, err
	}
	pair, err := trustedRootBytes(d)
	if err != nil {
		return nil, err
	}
	b := &Built{Data: data}
	if b.Findings, err = trustedroot.LintSigningConfig(data, trustedroot.LintOptions{Judge: judge.SigstoreGo{}, Pair: pair}); err != nil {
		return nil, err
	}
	if err := trustedroot.Worst(b.Findings); err != nil {
		return nil, fmt.Errorf("nothing was written: %w", err)
	}
	return b, d.Replace(aliased(d, map[string][]byte{trustdir.SigningConfigFile: data}))
}

// servedFiles are the certificates and keys of trust/: those of the newest
// generation under the plain name, every generation under its number.
func servedFiles(d *trustdir.Dir) (map[string][]byte, error) {
	files := map[string][]byte{}
	var errs []error
	add := func(name string, from ledger.File) {
		data, err := from.Read(d.FS())
		files["trust/"+name], errs = data, append(errs, err)
	}
	for name, generations := range d.State.Authorities {
		for _, g := range generations {
			plain := inUse(generations)
			if name == plan.RootAuthority {
				plain = current(generations) // a root is trusted when it is promoted, not when services switch
			}
			for _, stem := range stems("certs/"+name, g.Number, g.Number == plain) {
				add(stem+".crt", g.Certificate.File)
				add(stem+"-chain.pem", g.Certificate.Chain)
			}
		}
	}
	for name, generations := range d.State.Logs {
		for _, g := range generations {
			for _, stem := range stems("keys/"+name, g.Number, g.Number == inUse(generations)) {
				add(stem+".pub", g.Log.File)
			}
		}
	}
	for _, c := range d.State.CRLs[plan.RootAuthority] { // the newest of each root comes last
		if crl := d.Plan.Authorities[plan.RootAuthority].CRL; crl != nil {
			add("crls/"+path.Base(crl.URLOf(c.Generation)), c.File)
		}
	}
	return files, errors.Join(errs...)
}

// current is the newest generation that people may trust.
func current(generations []ledger.Generation) int {
	for _, g := range slices.Backward(generations) {
		if !g.Standby && g.Compromised == nil {
			return g.Number
		}
	}
	return len(generations)
}

// inUse is the generation that services run on, as far as the ledger knows: the
// oldest that no cutover has closed. A name without a generation follows the
// cutover, since nodes fetch it when they are deployed.
func inUse(generations []ledger.Generation) int {
	for _, g := range generations {
		if g.End == nil && g.Live() {
			return g.Number
		}
	}
	return current(generations)
}

// aliased adds the names under which people already fetch files.
func aliased(d *trustdir.Dir, files map[string][]byte) map[string][]byte {
	if d.Plan.Publish == nil {
		return files
	}
	for _, n := range d.Plan.Publish.Names {
		if data, ok := files["trust/"+n.Built]; ok {
			files["trust/"+n.As] = data
		}
	}
	return files
}

func stems(stem string, generation int, newest bool) []string {
	numbered := fmt.Sprintf("%s-g%d", stem, generation)
	if newest {
		return []string{stem, numbered}
	}
	return []string{numbered}
}

// lintOptions judge a trusted root of a directory: what was over when it was
// adopted cannot be repaired any more.
func lintOptions(d *trustdir.Dir, signingConfig []byte) trustedroot.LintOptions {
	return trustedroot.LintOptions{
		Judge: judge.SigstoreGo{}, Pair: signingConfig,
		Compromised: d.State.CompromisedKeys(), Left: d.State.LeftKeys(), At: d.State.PublishedAt,
	}
}

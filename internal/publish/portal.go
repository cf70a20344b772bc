package publish

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html/template"
	"slices"
	"time"

	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/pki/trustedroot"
	"github.com/linnemanlabs/trustroot/templates"
)

// portalData is what the page of trust/ shows.
type portalData struct {
	Plan      *plan.Plan
	State     *ledger.State
	At        time.Time // the last line of the ledger: the page changes with it alone
	Roots     []portalRoot
	Roles     []trustedroot.Role
	TimeLines template.HTML // for a screen
	Narrow    template.HTML // for a phone
	Digest    string        // SHA-256 of trusted_root.json
}

// portalRoot is one generation of the root.
type portalRoot struct {
	Subject, File       string
	NotBefore, NotAfter time.Time
	Hex, Words          string // SHA-256 of the certificate
	Issues              string // until when it may issue for a full term; empty where it issues nothing
	State               string // COMPROMISED, stands by, retired; empty while in use
}

// portal renders index.html: what people compare with what they were told.
func portal(d *trustdir.Dir, trustedRoot []byte) ([]byte, error) {
	page := portalData{Plan: d.Plan, State: d.State, Digest: trustdir.FileOf("", trustedRoot).SHA256}
	if entries := d.Ledger.Entries(); len(entries) > 0 {
		page.At = entries[len(entries)-1].Time
	}
	for _, g := range slices.Backward(d.State.Authorities[plan.RootAuthority]) { // the present one first
		root, err := rootOfPortal(d, g)
		if err != nil {
			return nil, err
		}
		if name, from, until := trustdir.FullTerm(d, g); name != "" && g.Live() {
			root.Issues = fmt.Sprintf("issues %s for its full %s from %s to %s", name, d.Plan.Authorities[name].Validity, from.Format(time.DateOnly), until.Format(time.DateOnly))
		}
		page.Roots = append(page.Roots, root)
	}
	view, err := trustedroot.Show(trustedRoot, page.At, d.State.CompromisedKeys()...)
	if err != nil {
		return nil, err
	}
	// Show's drawing escapes every text that comes from the file
	page.TimeLines = template.HTML(view.SVG())    //nolint:gosec // see above
	page.Narrow = template.HTML(view.NarrowSVG()) //nolint:gosec // see above
	page.Roles = view.Roles
	t, err := template.New("index.html").Funcs(template.FuncMap{
		"day": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }, "groups": trustdir.Groups,
	}).ParseFS(templates.FS, "portal/index.html")
	if err != nil {
		return nil, fmt.Errorf("read the page's template: %w", err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, page); err != nil {
		return nil, fmt.Errorf("render %s: %w", trustdir.PortalFile, err)
	}
	return out.Bytes(), nil
}

func rootOfPortal(d *trustdir.Dir, g ledger.Generation) (portalRoot, error) {
	cert, err := g.Certificate.File.Certificate(d.FS())
	if err != nil {
		return portalRoot{}, fmt.Errorf("read the root's certificate: %w", err)
	}
	digest := sha256.Sum256(cert.Raw)
	return portalRoot{
		State:     g.Condition(),
		Subject:   cert.Subject.String(),
		File:      fmt.Sprintf("certs/%s-g%d.crt", plan.RootAuthority, g.Number),
		NotBefore: cert.NotBefore, NotAfter: cert.NotAfter,
		Hex: trustdir.Groups(hex.EncodeToString(digest[:])), Words: pki.Words(digest[:]),
	}, nil
}

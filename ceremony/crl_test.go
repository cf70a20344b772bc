package ceremony

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/ceremony/record"
	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/needs"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/ledger"
)

const secondToken = 10000002

// withLife gives the plan a CRL, a standby root on a second token, and the
// root's end.
func (w *world) withLife() {
	w.plan = strings.NewReplacer(
		"    generations:\n      - {generation: 1, ceremony: founding}\n", `    crl: {next_update: 400d, url: "http://trust.example.com/crls/root.crl"}
    generations:
      - {generation: 1, ceremony: founding}
      - {generation: 2, ceremony: standby, standby: true, subject: {organization: example.com REHEARSAL, common_name: Example Root CA 2}}
`,
		"ceremonies:\n", `ceremonies:
  standby: {day: "DAY", not_before: DAYT00:00:00Z, token: 10000002}
  revoke: {day: "DAY", not_before: DAYT00:00:00Z, token: 10000001}
  end: {day: "DAY", not_before: DAYT00:00:00Z, token: 10000001, destroy: true}
`,
		"https://tsa.example.com/api/v1/timestamp\n", `https://tsa.example.com/api/v1/timestamp
    crl_distribution: ["http://trust.example.com/crls/root.crl"]
`).Replace(w.plan)
	w.plan = strings.ReplaceAll(w.plan, "DAYT", w.now.Format("2006-01-02")+"T")
	w.plan = strings.ReplaceAll(w.plan, "DAY", w.now.Format("2006-01-02"))
}

// accept puts what a record issued into the ledger.
func (w *world) accept(v *Verified, more ...ledger.Entry) {
	w.t.Helper()
	entries := []ledger.Entry{{Request: &ledger.Request{Sequence: v.Request.Manifest.Sequence, Ceremony: v.Request.Manifest.Ceremony, Digest: digest.Hex(v.Request.Files["SHA256SUMS"])}}}
	for _, i := range v.Issued {
		dir := "authorities/" + i.Authority + "/g" + string(rune('0'+i.Generation)) + "/"
		spki, err := pki.SPKISHA256(i.Certificate.PublicKey)
		must(w.t, err)
		c := &ledger.Certificate{
			Authority: i.Authority, Generation: i.Generation, Profile: v.Request.Plan.Authorities[i.Authority].Profile,
			Serial: ledger.SerialHex(i.Certificate.SerialNumber), SPKISHA256: spki, Issuer: "root",
			NotBefore: i.Certificate.NotBefore.UTC(), NotAfter: i.Certificate.NotAfter.UTC(), Ceremony: v.Request.Manifest.Ceremony,
			File:  ledger.File{Path: dir + "certificate.pem", SHA256: digest.Hex(i.Leaf)},
			Chain: ledger.File{Path: dir + "chain.pem", SHA256: digest.Hex(i.Chain)},
		}
		if i.Authority == "root" {
			c.Standby = v.Request.Plan.Authorities["root"].Generations[i.Generation-1].Standby
		} else {
			c.IssuerGeneration = max(v.Request.Manifest.RootGeneration, 1)
		}
		entries = append(entries, ledger.Entry{Certificate: c})
	}
	if c := v.Request.Manifest.CRL; c != nil {
		crl := ledger.CRL{Issuer: "root", Generation: max(v.Request.Manifest.RootGeneration, 1), Number: c.Number, ThisUpdate: c.ThisUpdate, NextUpdate: c.NextUpdate,
			File: ledger.File{Path: "crls/" + v.Request.Manifest.Ceremony + ".crl", SHA256: digest.Hex(v.CRL)}, Ceremony: v.Request.Manifest.Ceremony}
		for _, r := range c.Revoked {
			crl.Revoked = append(crl.Revoked, r.Serial)
		}
		entries = append(entries, ledger.Entry{CRL: &crl})
	}
	_, err := ledger.Append(w.ledger, "", w.now, append(entries, more...)...)
	must(w.t, err)
}

func (w *world) second() *chip {
	c := newChip(w.t, secondToken)
	c.Root, c.F9, c.F9Key = w.chip.Root, w.chip.F9, w.chip.F9Key
	return c
}

// holdAt is hold at another token.
func (w *world) holdAt(c *chip, r *request.Request) *Verified {
	w.t.Helper()
	o := w.options(r)
	o.Serial, o.Open = c.Serial, c.open(o.Operator)
	path, err := Run(context.Background(), o)
	must(w.t, err)
	return w.verify(path)
}

// A whole life of a root, judged at each step by verify and by the auditor's
// script: founding with an empty CRL, a standby, a theft and its CRL, the end.
func TestLife_OfARoot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.withLife()
	first := w.hold(w.founding())
	agree(t, "the founding with a CRL", first.Record.Path, true)
	crl, err := pki.ParseCRL(first.CRL)
	must(t, err)
	if crl.Number.Int64() != 1 || len(crl.RevokedCertificateEntries) != 0 {
		t.Errorf("the first CRL is number %s and revokes %d", crl.Number, len(crl.RevokedCertificateEntries))
	}
	w.accept(first)
	other := w.second()
	standby := w.holdAt(other, w.request("standby", 2, map[string][]byte{"authorities/root/g1/certificate.pem": first.Issued[0].Leaf}))
	agree(t, "the record of the standby", standby.Record.Path, true)
	if out := runAppendix(t, standby); !strings.Contains(out, "root-g2.pem: OK") || !strings.Contains(out, "verify OK") {
		t.Errorf("the appendix says of the standby's record:\n%s", out)
	}
	roots := [2]*x509.Certificate{first.Issued[0].Certificate, standby.Issued[0].Certificate}
	if roots[0].Subject.String() == roots[1].Subject.String() || standby.Issued[0].Generation != 2 {
		t.Errorf("the second root is generation %d, %s", standby.Issued[0].Generation, roots[1].Subject)
	}
	w.accept(standby)
}

// TestLife_RevokeAndDestroy holds the CRL of a theft and the root's end.
func TestLife_RevokeAndDestroy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.withLife()
	first := w.hold(w.founding())
	w.accept(first, ledger.Entry{Compromise: &ledger.Compromise{Name: "root", Generation: 1, Since: w.now, Reason: "the safe was open"}})
	root := "authorities/root/g1/certificate.pem"
	files := map[string][]byte{root: first.Issued[0].Leaf}
	w.keyFiles(files, "fulcio", 2, 2, "Example Fulcio CA")
	files["authorities/fulcio/g1/certificate.pem"] = first.Issued[1].Leaf
	text, err := os.ReadFile(w.ledger)
	must(t, err)
	_, err = request.Create(filepath.Join(t.TempDir(), "0002-renewal"), request.Input{
		Ceremony: "renewal", Sequence: 2, Plan: []byte(w.plan), Ledger: text, Created: w.now, Files: files})
	refused(t, err, fault.Verification, "root generation 1 is COMPROMISED")

	// but its own CRL is made
	last := w.hold(w.request("revoke", 2, map[string][]byte{root: first.Issued[0].Leaf}))
	agree(t, "the record of a CRL alone", last.Record.Path, true)
	crl, err := pki.ParseCRL(last.CRL)
	must(t, err)
	if crl.Number.Int64() != 2 || len(crl.RevokedCertificateEntries) != 2 {
		t.Errorf("CRL %s revokes %d, want both under the root", crl.Number, len(crl.RevokedCertificateEntries))
	}
	w.openssl(first, last.CRL)
	damage(t, last.Record.Path, filepath.Join(record.SealedDir, record.CRLFile(1)))
	w.accept(last)

	end := w.request("end", 3, map[string][]byte{root: first.Issued[0].Leaf})
	old, err := w.chip.private("9c")
	must(t, err)
	w.chip.cut = func(point string) error {
		if point == "after device overwrite 9c" {
			w.chip.cut = nil
			return errCut
		}
		return nil
	}
	if _, err := Run(context.Background(), w.options(end)); err == nil {
		t.Fatal("not cut")
	}
	gone := w.hold(end)
	now, err := w.chip.private("9c")
	must(t, err)
	if now.PublicKey.Equal(old.Public()) {
		t.Error("the root's key is still on the token")
	}
	agree(t, "the record of the end", gone.Record.Path, true)
	page := string(gone.Record.Files[record.Report])
	for _, step := range Steps(end) {
		what := map[string]string{"Sign CRL 3 of the root": "The root key signed CRL 3.", "Destroy the root's key": "The root key of token 10000001 was destroyed"}[step.Title]
		if !strings.Contains(page, fmt.Sprintf("<li>Step %d: %s", step.Number, what)) && what != "" {
			t.Errorf("the report does not list step %d as a change: %s", step.Number, what)
		}
	}
	if out := runAppendix(t, gone); !strings.Contains(out, "destroyed-slot.pem: OK") || !strings.Contains(out, "verify OK") {
		t.Errorf("the appendix says of the end's record:\n%s", out)
	}
	damage(t, gone.Record.Path, filepath.Join(record.SealedDir, record.DestroyedFile))
}

// openssl refuses what the CRL revokes.
func (w *world) openssl(v *Verified, crl []byte) {
	w.t.Helper()
	needs.Program(w.t, "openssl")
	dir := w.t.TempDir()
	for name, data := range map[string][]byte{"root.pem": v.Issued[0].Leaf, "tsa.pem": v.Issued[2].Leaf, "root.crl": crl} {
		must(w.t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	run := func(args ...string) string {
		cmd := exec.Command("openssl", args...)
		cmd.Dir = dir
		out, _ := cmd.CombinedOutput()
		return string(out)
	}
	run("crl", "-inform", "DER", "-in", "root.crl", "-out", "crl.pem")
	if out := run("verify", "-crl_check_all", "-CAfile", "root.pem", "-CRLfile", "crl.pem", "tsa.pem"); !strings.Contains(out, "certificate revoked") {
		w.t.Errorf("openssl says of a revoked authority: %s", out)
	}
}

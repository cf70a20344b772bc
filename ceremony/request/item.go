package request

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// external is what a plan writes in place of an ARN.
const external = "external"

const (
	hintCSR     = "make the request for the key again with `trustroot kms csr`, or bring the one from the key's holder with --csr"
	hintPin     = "have a second person look the key up with other credentials (`trustroot kms list --pin`), then correct the plan or use the key that it pins"
	hintRestore = "restore the file from version control"
)

// item checks one certificate's inputs and adds it to the request.
func (b *builder) item(name string, a plan.Authority, g plan.Generation) {
	spec, err := b.plan.Spec(name, g.Generation)
	if err != nil {
		b.add("correct the plan", "%w", err)
		return
	}
	item := Item{Authority: name, Generation: g.Generation, Plan: a, Key: g, Spec: spec}
	entry := ManifestItem{Authority: name, Generation: g.Generation, SPKISHA256: strings.ToLower(g.SPKISHA256)}
	dir := fmt.Sprintf("authorities/%s/g%d/", name, g.Generation)
	switch {
	case name == plan.RootAuthority:
		item.Source = SourceToken
	case g.Key == external:
		item.Source, entry.CSR = SourceExternal, dir+"request.csr"
	default:
		item.Source, entry.CSR, entry.Evidence = SourceCSR, dir+"request.csr", dir+"key.json"
	}
	if item.Source != SourceToken {
		item.CSR = b.csr(item, entry.CSR)
		b.checkIssuer(item)
	}
	if entry.Evidence != "" {
		b.evidence(item, entry.Evidence)
	}
	b.refuses(item)
	item.Previous, entry.Previous = b.previous(name, g.Generation)
	entry.Source = item.Source
	b.request.Items = append(b.request.Items, item)
	b.request.Manifest.Items = append(b.request.Manifest.Items, entry)
}

// what names an item in an error.
func (i Item) what() string { return fmt.Sprintf("%s generation %d", i.Authority, i.Generation) }

// csr reads a certification request and holds it against the plan.
func (b *builder) csr(item Item, name string) *pki.Request {
	if item.Key.SPKISHA256 == "" {
		b.add(hintPin, "%s: the plan pins no key: spki_sha256 is missing", item.what())
	}
	data, ok := b.file(name, hintCSR)
	if !ok {
		return nil
	}
	csr, err := pki.ParseRequest(data)
	if err != nil {
		b.add(hintCSR, "%s: %w", name, err)
		return nil
	}
	if !bytes.Equal(csr.PEM(), data) {
		b.add(hintCSR, "%s: not in the one form of a certification request: PEM with nothing before or after it", name)
	}
	if pin := item.Key.SPKISHA256; pin != "" && !strings.EqualFold(pin, csr.SPKISHA256) {
		b.add(hintPin, "%s: %s is for the key %s, the plan pins %s", item.what(), name, groups(csr.SPKISHA256), groups(pin))
	}
	if curve := csr.PublicKey.Curve.Params().Name; curve != item.Plan.Algorithm {
		b.add(hintPin, "%s: %s is for a key on %s, the plan says %s", item.what(), name, curve, item.Plan.Algorithm)
	}
	if csr.Name != "" {
		if err := csr.CheckSubject(item.Plan.Subject); err != nil {
			b.add(hintCSR, "%s: %s: %w", item.what(), name, err)
		}
	}
	owner := "authority " + item.Authority
	if other, taken := b.owners[csr.SPKISHA256]; taken && other != owner {
		b.add("make a key for each", "%s: its key %s is the key of %s already", item.what(), groups(csr.SPKISHA256), other)
	}
	b.owners[csr.SPKISHA256] = owner
	return csr
}

// evidence holds key.json against the plan and the certification request.
func (b *builder) evidence(item Item, name string) {
	data, ok := b.file(name, hintCSR)
	if !ok {
		return
	}
	e, err := pki.ParseKeyEvidence(data)
	if err != nil {
		b.add(hintCSR, "%s: %w", name, err)
		return
	}
	if e.ARN != item.Key.Key {
		b.add(hintPin, "%s: %s is of the key %s, the plan names %s", item.what(), name, courier.Quote(e.ARN), courier.Quote(item.Key.Key))
	}
	if item.CSR != nil && !strings.EqualFold(e.SPKISHA256, item.CSR.SPKISHA256) {
		b.add(hintCSR, "%s: %s records the key %s, the request is for %s", item.what(), name, groups(e.SPKISHA256), groups(item.CSR.SPKISHA256))
	}
}

// checkIssuer refuses what the root's token cannot sign.
func (b *builder) checkIssuer(item Item) {
	if issuer := item.Plan.Issuer; issuer != "" && issuer != plan.RootAuthority {
		b.add("take the ceremony from this generation in the plan", "%s: its issuer is %s, and a ceremony signs with the root's key alone", item.what(), issuer)
	}
	root := b.request.Root
	if root == nil {
		return // the plan was checked to hold them within the root's
	}
	if item.Spec.NotBefore.Before(root.NotBefore) || item.Spec.NotAfter.After(root.NotAfter) {
		b.add("shorten the validity in the plan", "%s: valid from %s to %s, the root only from %s to %s", item.what(),
			stamp(item.Spec.NotBefore), stamp(item.Spec.NotAfter), stamp(root.NotBefore), stamp(root.NotAfter))
	}
}

// previous returns the certificate of the newest earlier generation. The item
// must be the one that the ledger takes next.
func (b *builder) previous(name string, generation int) (*x509.Certificate, string) {
	known := b.ledger.Authorities[name]
	next := len(known) + 1
	for _, i := range b.request.Items {
		if i.Authority == name {
			next = i.Generation + 1
		}
	}
	switch {
	case generation < next:
		b.add("plan the next generation", "%s generation %d: it has a certificate already, the next generation is %d", name, generation, next)
	case generation > next:
		b.add("give the generations to ceremonies in their order", "%s generation %d: generation %d has no certificate yet", name, generation, next)
	}
	newest := ledger.Newest(known)
	if newest == nil {
		return nil, ""
	}
	return b.certificate(newest.Certificate), newest.Certificate.File.Path
}

// certificate reads a certificate and holds it against the ledger.
func (b *builder) certificate(want *ledger.Certificate) *x509.Certificate {
	name := want.File.Path
	data, ok := b.file(name, hintRestore)
	if !ok {
		return nil
	}
	if got := digest.Hex(data); got != want.File.SHA256 {
		b.add(hintRestore, "%s: its SHA-256 is %s, the ledger says %s", courier.Quote(name), got, want.File.SHA256)
		return nil
	}
	certificate, err := pki.ParseCertificate(data)
	if err != nil {
		b.add(hintRestore, "%s: %w", courier.Quote(name), err)
		return nil
	}
	spki, err := pki.SPKISHA256(certificate.PublicKey)
	if err != nil || !strings.EqualFold(spki, want.SPKISHA256) {
		b.add(hintRestore, "%s: its key is %s, the ledger says %s", courier.Quote(name), groups(spki), groups(want.SPKISHA256))
		return nil
	}
	return certificate
}

// root finds the certificate that the items are signed under, unless this
// ceremony makes it.
func (b *builder) root() {
	n := b.generation()
	if n > 1 {
		b.request.Manifest.RootGeneration = n
	}
	if b.makes() != nil {
		return
	}
	known := b.ledger.Authorities[plan.RootAuthority]
	if n == 0 || n > len(known) {
		b.add("hold the ceremony that makes the root, and accept its record, first", "there is no root certificate yet of generation %d, and ceremony %s makes none", max(n, 1), courier.Quote(b.in.Ceremony))
		return
	}
	newest := known[n-1]
	b.request.Manifest.Root = newest.Certificate.File.Path
	root := b.certificate(newest.Certificate)
	if root == nil {
		return
	}
	if err := root.CheckSignatureFrom(root); err != nil {
		b.add(hintRestore, "%s: not a self-signed root: %w", newest.Certificate.File.Path, err)
		return
	}
	b.request.Root = root
}

// groups writes a hex digest for people to compare.
func groups(digest string) string {
	raw, err := hex.DecodeString(digest)
	if err != nil || len(raw) == 0 {
		return courier.Quote(digest)
	}
	return pki.HexGroups(raw)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

package adopt

import (
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/finding"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/pki/trustedroot"
	"github.com/linnemanlabs/trustroot/pki/trustedroot/judge"
)

// oldRoot is a trusted_root.json as people wrote it, read with patience: what
// strict parsers refuse is exactly what adopting explains.
type oldRoot struct {
	path    string
	data    []byte
	media   string
	entries []oldEntry
}

// oldEntry is a log or an authority.
type oldEntry struct {
	list string // tlogs, ctlogs, certificateAuthorities, timestampAuthorities
	path string // $.tlogs[0]
	id   string // hex SHA-256 of the SPKI of a log, or of the first certificate
	uri  string
	// subject stands beside an authority's chain.
	subject string
	keyID   string // as stated, base64; logs
	key     crypto.PublicKey
	chain   []*x509.Certificate
	start   *time.Time
	end     *time.Time
	// onInstance says that the window stood beside the key and not in it.
	onInstance bool
}

type oldWindow struct {
	Start *time.Time `json:"start"`
	End   *time.Time `json:"end"`
}

type oldLog struct {
	BaseURL   string `json:"baseUrl"`
	PublicKey struct {
		RawBytes string     `json:"rawBytes"`
		ValidFor *oldWindow `json:"validFor"`
	} `json:"publicKey"`
	LogID struct {
		KeyID string `json:"keyId"`
	} `json:"logId"`
	ValidFor *oldWindow `json:"validFor"` // where it does not belong
}

type oldAuthority struct {
	Subject struct {
		Organization string `json:"organization"`
		CommonName   string `json:"commonName"`
	} `json:"subject"`
	URI       string `json:"uri"`
	CertChain struct {
		Certificates []struct {
			RawBytes string `json:"rawBytes"`
		} `json:"certificates"`
	} `json:"certChain"`
	ValidFor *oldWindow `json:"validFor"`
}

func readOldRoot(path string) (*oldRoot, error) {
	data, err := courier.ReadFile(path, courier.MaxFile)
	if err != nil {
		return nil, fault.New(fault.Usage, "check the path", fmt.Errorf("read the trusted root in use: %w", err))
	}
	return parseOldRoot(path, data)
}

func parseOldRoot(path string, data []byte) (*oldRoot, error) {
	var file struct {
		MediaType   string         `json:"mediaType"`
		Tlogs       []oldLog       `json:"tlogs"`
		Ctlogs      []oldLog       `json:"ctlogs"`
		Authorities []oldAuthority `json:"certificateAuthorities"`
		Stampers    []oldAuthority `json:"timestampAuthorities"`
	}
	wrap := func(err error) error {
		return fault.New(fault.Verification, "adopting needs a file that is JSON, with keys and certificates in base64; nothing was written", fmt.Errorf("%s: %w", path, err))
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, wrap(err)
	}
	o := &oldRoot{path: path, data: data, media: file.MediaType}
	var errs []error
	add := func(list string, i int, e oldEntry, err error) {
		e.list, e.path = list, fmt.Sprintf("$.%s[%d]", list, i)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", e.path, err))
		}
		o.entries = append(o.entries, e)
	}
	for list, logs := range map[string][]oldLog{"tlogs": file.Tlogs, "ctlogs": file.Ctlogs} {
		for i, l := range logs {
			e, err := l.entry()
			add(list, i, e, err)
		}
	}
	for list, authorities := range map[string][]oldAuthority{"certificateAuthorities": file.Authorities, "timestampAuthorities": file.Stampers} {
		for i, a := range authorities {
			e, err := a.entry()
			add(list, i, e, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, wrap(err)
	}
	slices.SortFunc(o.entries, func(x, y oldEntry) int { return strings.Compare(x.path, y.path) })
	return o, nil
}

func (l oldLog) entry() (oldEntry, error) {
	der, err := base64.StdEncoding.DecodeString(l.PublicKey.RawBytes)
	if err != nil {
		return oldEntry{}, fmt.Errorf("publicKey.rawBytes: %w", err)
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return oldEntry{}, fmt.Errorf("publicKey.rawBytes: %w", err)
	}
	e := oldEntry{id: digest.Hex(der), uri: l.BaseURL, keyID: l.LogID.KeyID, key: key}
	switch {
	case l.PublicKey.ValidFor != nil:
		e.start, e.end = l.PublicKey.ValidFor.Start, l.PublicKey.ValidFor.End
	case l.ValidFor != nil:
		e.start, e.end, e.onInstance = l.ValidFor.Start, l.ValidFor.End, true
	}
	return e, nil
}

func (a oldAuthority) entry() (oldEntry, error) {
	e := oldEntry{uri: a.URI, subject: "O=" + a.Subject.Organization + ", CN=" + a.Subject.CommonName}
	for i, c := range a.CertChain.Certificates {
		der, err := base64.StdEncoding.DecodeString(c.RawBytes)
		if err != nil {
			return oldEntry{}, fmt.Errorf("certificate %d: %w", i+1, err)
		}
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return oldEntry{}, fmt.Errorf("certificate %d: %w", i+1, err)
		}
		e.chain = append(e.chain, certificate)
	}
	if len(e.chain) == 0 {
		return oldEntry{}, fmt.Errorf("it has no certificate")
	}
	// the chain may stand in either order
	e.id = digest.Hex(leafOf(e.chain).Raw)
	if a.ValidFor != nil {
		e.start, e.end = a.ValidFor.Start, a.ValidFor.End
	}
	return e, nil
}

// leafOf returns the certificate that issued none of the others.
func leafOf(chain []*x509.Certificate) *x509.Certificate {
	for _, c := range chain {
		issues := false
		for _, other := range chain {
			issues = issues || !other.Equal(c) && other.CheckSignatureFrom(c) == nil
		}
		if !issues {
			return c
		}
	}
	return chain[0]
}

// entryOf returns the entry of a key or certificate, nil when there is none.
func (o *oldRoot) entryOf(id string) *oldEntry {
	if o == nil {
		return nil
	}
	for i := range o.entries {
		if o.entries[i].id == id {
			return &o.entries[i]
		}
	}
	return nil
}

// lintOld explains what clients do with the file in use.
func lintOld(a *Adoption) error {
	findings, err := trustedroot.Lint(a.old.data, trustedroot.LintOptions{Judge: judge.SigstoreGo{}, At: a.now})
	if err != nil {
		return err
	}
	for _, f := range findings {
		f.Place = a.old.path + ", " + f.Place
		a.Defects = append(a.Defects, f)
	}
	a.oldDefects = len(findings)
	return nil
}

// repaired says of which defects of the file in use the rebuilt one is free.
func repaired(a *Adoption, built []byte) error {
	left, err := trustedroot.Lint(built, trustedroot.LintOptions{Judge: judge.SigstoreGo{}, At: a.now})
	if err != nil {
		return err
	}
	for i := range a.Defects[:a.oldDefects] { // they were found first
		f := &a.Defects[i]
		if !slices.ContainsFunc(left, func(have finding.Finding) bool { return have.ID == f.ID }) {
			f.Repair = "the rebuilt file does not have it"
		}
	}
	return nil
}

// originOf is the origin that belongs to a log's base URL: the host of Rekor
// v2, host and path of a static-ct log.
func originOf(kind, base string) (string, error) {
	u, err := url.Parse(base)
	if err != nil || u.Hostname() == "" {
		return "", fmt.Errorf("%q is not a URL with a host", base)
	}
	if kind == plan.RekorV2 {
		return u.Hostname(), nil
	}
	origin := u.Host + u.Path
	return strings.TrimRight(origin, "/"), nil
}

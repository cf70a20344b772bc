package ceremony

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"html/template"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/ceremony/journal"
	"github.com/linnemanlabs/trustroot/ceremony/record"
	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/templates"
)

// Report writes the page of a verified record, with what was proved and who
// has signed so far; the one that the record seals was written before that.
func Report(v *Verified) ([]byte, error) {
	return renderReport(v.Request, v.Record.Files, v)
}

// report is what the page shows.
type report struct {
	Organization, Ceremony, Day string
	Began, Ended                string // by the host's clock; the end is empty where there is none
	Runs                        int    // of the command, until the record was sealed
	Operators, Witnesses        []string
	Token                       uint32
	Sequence                    int
	Rehearsal                   bool
	Exceptions                  []string
	Verdict                     string
	Image                       *hash // of the ceremony image, by its own word
	Root                        hash
	Tree                        node
	Changes                     []string
	Certificates                []reportCertificate
	RequestSHA256, LedgerHead   hash
	Claims                      []Claim
	JournalLines                int
	JournalHead                 hash
	Timeline                    []event
	Host                        Host
	Binary                      hash
	Findings                    []string
	People                      []string
}

// renderReport makes the page from what the record seals; v is nil while it is
// being sealed.
func renderReport(r *request.Request, files map[string][]byte, v *Verified) ([]byte, error) {
	data, err := newReport(r, files)
	if err != nil {
		return nil, fmt.Errorf("write the report: %w", err)
	}
	if v != nil {
		data.Claims = v.Claims
		data.Verdict = "Verified: files, chain of the journal, certificates and signatures hold, as far as the list below says. " + data.Verdict
	}
	return render("report/report.html.tmpl", data)
}

// render fills a template in with what a page shows.
func render(file string, data any) ([]byte, error) {
	t, err := template.New(path.Base(file)).Funcs(template.FuncMap{"rows": rows}).ParseFS(templates.FS, file)
	if err != nil {
		return nil, fmt.Errorf("read a page's template: %w", err)
	}
	var page bytes.Buffer
	if err := t.Execute(&page, data); err != nil {
		return nil, fmt.Errorf("write a page: %w", err)
	}
	return page.Bytes(), nil
}

func newReport(r *request.Request, files map[string][]byte) (*report, error) {
	text := files[record.Journal]
	entries, err := journal.Verify(text)
	if err != nil {
		return nil, err
	}
	head, err := journal.Opening(entries)
	if err != nil {
		return nil, err
	}
	m, c, digest := r.Manifest, r.Plan.Ceremonies[r.Manifest.Ceremony], r.Digest()
	out := &report{
		Organization: r.Plan.Organization, Ceremony: m.Ceremony, Day: c.Day, Token: c.Token, Sequence: m.Sequence,
		Rehearsal: r.Plan.Rehearsal != nil, Exceptions: exceptions(entries),
		RequestSHA256: newHash(digest[:]), LedgerHead: hexHash(m.LedgerHead),
		JournalLines: len(entries), JournalHead: hexHash(journal.HeadOf(text)),
		Timeline: timeline(entries), Changes: changes(entries, c.Token, r.Plan.Allows(plan.ExceptionImportedRoot)), Host: hostOf(entries), Binary: hexHash(head.BinarySHA256),
		People: people(c), Operators: c.Operators, Witnesses: c.Witnesses,
		Began: entries[0].Time.Format("15:04:05"), Runs: 1,
	}
	for _, e := range entries {
		switch e.Kind {
		case journal.KindResume:
			out.Runs++
		case journal.KindClose:
			out.Ended = e.Time.Format("15:04:05")
		}
	}
	for _, e := range r.Plan.Exceptions {
		out.Exceptions = append(out.Exceptions, e.Name+", by the plan: "+e.Reason)
	}
	out.Findings = out.Host.Findings()
	if i := out.Host.Image; i != nil {
		image := hexHash(i.SHA256)
		out.Image = &image
	}
	if err := out.addCertificates(r, files); err != nil {
		return nil, err
	}
	out.Verdict = verdict(out)
	return out, nil
}

// verdict is the first line of the page: whether all was done, and how.
func verdict(out *report) string {
	if out.Ended == "" {
		return fmt.Sprintf("Not ended: of request %d, only what is listed below was done.", out.Sequence)
	}
	text := fmt.Sprintf("Ended: everything that request %d asks for was done.", out.Sequence)
	if n := len(out.Certificates); n > 0 {
		text += fmt.Sprintf(" Certificates signed: %d.", n)
	}
	return fmt.Sprintf("%s Exceptions: %d.", text, len(out.Exceptions))
}

// hash is a digest in groups and in words, row by row the same octets; empty
// where there is none.
type hash struct{ Groups, Words string }

func newHash(digest []byte) hash { return hash{pki.HexGroups(digest), pki.Words(digest)} }

// hexHash is newHash of what was written in hex.
func hexHash(digits string) hash {
	digest, err := hex.DecodeString(digits)
	if err != nil {
		return hash{Groups: digits}
	}
	return newHash(digest)
}

// rows divides a text into rows of n words, to be read aloud row by row.
func rows(n int, text string) []string {
	var out []string
	for row := range slices.Chunk(strings.Fields(text), n) {
		out = append(out, strings.Join(row, " "))
	}
	return out
}

// hostOf is the machine of the last run.
func hostOf(entries []journal.Entry) (h Host) {
	for _, e := range entries {
		if e.Kind != journal.KindHost {
			continue
		}
		var found Host
		if decode(e.Kind, e.Data, &found) == nil {
			h = found
		}
	}
	return h
}

// node is one certificate in the tree.
type node struct {
	Name, Subject, Valid, Serial string
	New                          bool // made at this ceremony
	Children                     []node
}

// reportCertificate is one certificate in words.
type reportCertificate struct {
	Authority, File string
	Generation      int
	SHA256          hash
	Lines           []line
}

// line is one fact, and the digest that it ends with.
type line struct {
	Name, Text string
	Hash       *hash
}

// addCertificates puts the request's certificates under their root.
func (out *report) addCertificates(r *request.Request, files map[string][]byte) error {
	if r.Root != nil {
		out.Tree, out.Root = newNode(plan.RootAuthority, r.Root, false), certificateHash(r.Root)
	}
	for _, item := range r.Items {
		name := record.CertificateFile(item.Authority, item.Generation)
		cert, err := pki.ParseCertificate(files[name])
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		n := newNode(fmt.Sprintf("%s g%d", item.Authority, item.Generation), cert, true)
		if item.Authority == plan.RootAuthority {
			out.Tree, out.Root = n, certificateHash(cert)
		} else {
			out.Tree.Children = append(out.Tree.Children, n)
		}
		out.Certificates = append(out.Certificates, describe(item, name, cert))
	}
	return nil
}

func newNode(name string, c *x509.Certificate, made bool) node {
	return node{
		Name:    name,
		Subject: c.Subject.String(),
		Valid:   c.NotBefore.UTC().Format(time.DateOnly) + " to " + c.NotAfter.UTC().Format(time.DateOnly),
		Serial:  pki.SerialHex(c.SerialNumber),
		New:     made,
	}
}

func certificateHash(c *x509.Certificate) hash {
	sum := sha256.Sum256(c.Raw)
	return newHash(sum[:])
}

func describe(item request.Item, file string, c *x509.Certificate) reportCertificate {
	out := reportCertificate{Authority: item.Authority, Generation: item.Generation, File: file, SHA256: certificateHash(c)}
	for _, text := range pki.Describe(c) {
		name, value, ok := strings.Cut(text, ": ")
		if !ok {
			name, value = "", text
		}
		l := line{Name: name, Text: value}
		if at := strings.LastIndex(value, " "); len(value)-at-1 == 2*sha256.Size {
			sum := hexHash(value[at+1:])
			l.Text, l.Hash = value[:at], &hash{Groups: sum.Groups} // it is compared, not read aloud
		}
		out.Lines = append(out.Lines, l)
	}
	return out
}

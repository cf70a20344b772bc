package ceremony

import (
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/ceremony/record"
	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

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

package services

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// spireVersion is the version of SPIRE's server that was tried.
const spireVersion = "1.13.3"

// spire is what SPIRE's server gets its CA with: its upstream authority by each
// of the plugins disk and awssecret, the chain without the root, and the roots
// that SVIDs chain to. Verifiers of SVIDs have the roots, so a new generation
// need not have been published.
func spire(s *Source, name string, a plan.Authority, g ledger.Generation) (Service, error) {
	_, chain, err := s.chain(g)
	if err != nil {
		return Service{}, err
	}
	domain, err := checkSPIREChain(chain, a)
	if err != nil {
		return Service{}, fmt.Errorf("%s: %w", g.Certificate.Chain.Path, err)
	}
	var bundle bytes.Buffer
	for _, root := range s.State.Authorities[plan.RootAuthority] {
		if !root.Live() {
			continue // a bundle has no window
		}
		text, err := root.Certificate.File.Read(s.Files)
		if err != nil {
			return Service{}, err
		}
		bundle.Write(text)
	}
	below, err := pki.EncodeCertificates(chain[:len(chain)-1])
	if err != nil {
		return Service{}, err
	}
	files := map[string][]byte{"chain.pem": below, "bundle.pem": bundle.Bytes()}
	for _, plugin := range []string{"disk", "awssecret"} {
		text, err := execute("spire-"+plugin+".conf.tmpl", map[string]string{
			"Name": name, "Dir": ConfigDir + "/" + name, "TrustDomain": domain, "Region": region(s.Plan)})
		if err != nil {
			return Service{}, err
		}
		files["upstream-authority-"+plugin+".conf"] = text
	}
	return Service{Name: name, Program: SPIRE, Version: spireVersion, Generation: g.Number, Files: files,
		Notes: []string{"put one of upstream-authority-disk.conf and upstream-authority-awssecret.conf into the plugins of SPIRE's server.conf"}}, nil
}

// checkSPIREChain holds a chain to what SPIRE's server needs, and names the SVID
// that would die. It returns the trust domain.
func checkSPIREChain(chain []*x509.Certificate, a plan.Authority) (string, error) {
	if err := checkOrder(chain); err != nil {
		return "", err
	}
	ca := chain[0]
	if len(chain) < 2 || !ca.IsCA {
		return "", errors.New("the first certificate is not a CA below a root")
	}
	var domain *url.URL
	for _, u := range ca.URIs {
		if u.Scheme == "spiffe" {
			domain = u
		}
	}
	if domain == nil || len(a.URIs) == 0 || domain.String() != a.URIs[0] {
		return "", fmt.Errorf("the certificate is of the trust domain %v, the plan's is %v", ca.URIs, a.URIs)
	}
	if ca.MaxPathLenZero {
		return "", fmt.Errorf("the path length is 0, which leaves no room for SPIRE's own CA: spiffe://%s/workload and every other SVID would be refused", domain.Host)
	}
	return domain.Host, nil
}

// region is the AWS region of the plan's keys.
func region(p *plan.Plan) string {
	for _, name := range slices.Sorted(maps.Keys(p.Authorities)) {
		for _, g := range p.Authorities[name].Generations {
			if parts := strings.Split(g.Key, ":"); len(parts) > 3 && parts[0] == "arn" {
				return parts[3]
			}
		}
	}
	return "REPLACE"
}

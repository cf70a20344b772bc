package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// mistake is a service started wrongly, and what services check calls it.
type mistake struct {
	what, service, id string
	change            func([]string) []string
	// itself says that the program refuses it at its start; then nobody answers.
	itself bool
}

// mistakes starts each service wrongly, sees the mistake found by name, and
// starts it as rendered again.
func (w *world) mistakes(ctx context.Context, s *suite) error {
	rendered, err := w.render(ctx, "services-again", "all")
	if err != nil {
		return err
	}
	all, err := w.wrong()
	if err != nil {
		return err
	}
	for i, m := range all {
		what := fmt.Sprintf("%s: services check names it %s", m.what, m.id)
		if m.itself {
			what = fmt.Sprintf("%s: %s does not start with it, and services check says that nobody answers", m.what, m.service)
		}
		s.check(ctx, what, func(ctx context.Context) error {
			service := rendered[m.service]
			// a log's name or key is for ever: a wrong one gets a log of its own
			service.store = spare
			err := w.launch(ctx, service, m.change)
			if m.itself {
				if err == nil {
					return errors.New("it starts")
				}
				r, asked := w.ask(ctx, m.service)
				if asked != nil || r.code != 1 {
					return errors.Join(asked, errors.New(r.said()))
				}
				return nil
			}
			if err == nil && m.service == "rekor" {
				err = w.begun(ctx, spare)
			}
			if err != nil {
				return err
			}
			return w.finds(ctx, m.service, m.id)
		})
		if i+1 < len(all) && all[i+1].service == m.service {
			continue
		}
		if err := w.launch(ctx, rendered[m.service]); err != nil {
			return err
		}
	}
	s.check(ctx, "a TesseraCT key on P-384 starts, and services check names it key-not-p256", func(ctx context.Context) error {
		key, err := w.fileKey("p384", elliptic.P384())
		if err != nil {
			return err
		}
		service := rendered["tesseract"]
		if err := w.startUpstream(ctx, service, key, w.path("ctlog-p384")); err != nil {
			return err
		}
		if err := w.finds(ctx, "tesseract", "key-not-p256"); err != nil {
			return err
		}
		err = w.launch(ctx, rendered["fulcio"], with("--ct-log-public-key-path", key+".pub"))
		if err == nil {
			return errors.New("Fulcio starts with it") //nolint:staticcheck // a name
		}
		return nil
	})
	for _, name := range []string{"tesseract", "fulcio"} {
		if err := w.launch(ctx, rendered[name]); err != nil {
			return err
		}
	}
	s.check(ctx, "services check finds nothing once all are started as rendered again", func(ctx context.Context) error { return w.clean(ctx) })
	return nil
}

// wrong lists the mistakes, those of one service together.
func (w *world) wrong() ([]mistake, error) {
	ca := filepath.Join(w.trust, "authorities", "fulcio", "g1", "chain.pem")
	tsa := filepath.Join(w.trust, "authorities", "tsa", "g1", "chain.pem")
	var problems []error
	file := func(name, chain string, change func([][]byte) [][]byte) string {
		path := w.path("work", name)
		data, err := os.ReadFile(chain)
		var certificates [][]byte
		for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
			certificates = append(certificates, block.Bytes)
		}
		var text []byte
		for _, der := range change(certificates) {
			text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
		}
		problems = append(problems, err, os.WriteFile(path, text, 0o600))
		return path
	}
	reversed := func(c [][]byte) [][]byte { slices.Reverse(c); return c }
	first := func(c [][]byte) [][]byte { return c[:1] }
	var stranger [][]byte
	noCertSign := func(c [][]byte) [][]byte {
		chain, err := withoutCertSign(c[0])
		problems = append(problems, err)
		stranger = chain
		return chain
	}
	chain := func(path string) func([]string) []string {
		return func(args []string) []string {
			return with("--certificate-chain-path", path)(with("--kms-cert-chain-path", path)(args))
		}
	}
	out := []mistake{
		{what: "Fulcio's chain reversed", service: "fulcio", id: "chain-reversed", change: chain(file("reversed.pem", ca, reversed)), itself: true},
		{what: "Fulcio's chain without the root", service: "fulcio", id: "root-missing", change: chain(file("rootless.pem", ca, first))},
		{what: "a Fulcio CA without keyCertSign", service: "fulcio", id: "no-key-cert-sign", change: chain(file("no-sign.pem", ca, noCertSign))},
		{what: "the TSA told sha256 for its P-384 key", service: "tsa", id: "wrong-hash", change: with("--timestamp-signer-hash", "sha256")},
		{what: "the TSA's certificate alone", service: "tsa", id: "certificate-alone", change: chain(file("alone.pem", tsa, first)), itself: true},
		{what: "Rekor with another host name than its URL's", service: "rekor", id: "other-origin", change: with("--hostname", "log.example.com")},
		{what: "TesseraCT that does not accept the root", service: "tesseract", id: "root-not-accepted",
			change: with("-roots_pem_file", file("stranger.pem", ca, func([][]byte) [][]byte { return stranger[1:] }))},
	}
	return out, errors.Join(problems...)
}

// withoutCertSign is a chain of a certificate over the same key that may not
// sign certificates, under a root of its own.
func withoutCertSign(der []byte) ([][]byte, error) {
	old, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		return nil, err
	}
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{Organization: []string{"stranger"}, CommonName: "stranger"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: old.Subject, NotBefore: root.NotBefore, NotAfter: root.NotAfter, IsCA: true, BasicConstraintsValid: true,
		MaxPathLenZero: true, KeyUsage: x509.KeyUsageCRLSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
	}
	self, err := x509.CreateCertificate(rand.Reader, root, root, key.Public(), key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.CreateCertificate(rand.Reader, ca, root, old.PublicKey, key)
	return [][]byte{leaf, self}, err
}

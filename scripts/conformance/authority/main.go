// Command authority holds certificate chains against the checks that Fulcio
// and timestamp-authority make when they start, with their own code:
//
//	authority FULCIO-CHAIN TSA-CHAIN
//
// Each is a PEM file, leaf-first, root last. It prints a line a check and fails
// when one did not hold. Chains that the services refuse are among the checks,
// so that accepting means something.
package main

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	fulcio "github.com/sigstore/fulcio/pkg/ca"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	tsa "github.com/sigstore/timestamp-authority/v2/pkg/x509"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: authority FULCIO-CHAIN TSA-CHAIN")
		os.Exit(2)
	}
	ca, errC := read(os.Args[1])
	stamper, errT := read(os.Args[2])
	if err := errors.Join(errC, errT); err != nil {
		fmt.Fprintln(os.Stderr, "authority:", err)
		os.Exit(1)
	}
	failed := 0
	check := func(what string, err error) {
		if err != nil {
			failed++
			fmt.Printf("FAIL  %s: %v\n", what, err)
			return
		}
		fmt.Println("ok    " + what)
	}
	startsFulcio := func(chain []*x509.Certificate) error {
		return fulcio.VerifyCertChain(chain, public{chain[0].PublicKey})
	}
	startsTSA := func(chain []*x509.Certificate) error {
		return tsa.VerifyCertChain(chain, public{chain[0].PublicKey}, true)
	}
	check("Fulcio's chain check accepts the Fulcio CA", startsFulcio(ca))
	check("Fulcio's chain check refuses the TSA", refused(startsFulcio(stamper)))
	check("Fulcio's chain check refuses another signer's key", refused(fulcio.VerifyCertChain(ca, public{stamper[0].PublicKey})))
	check("timestamp-authority's chain check accepts the TSA", startsTSA(stamper))
	check("timestamp-authority's chain check refuses the Fulcio CA", refused(startsTSA(ca)))
	check("timestamp-authority's chain check refuses the root first", refused(startsTSA(reversed(stamper))))
	if failed > 0 {
		os.Exit(1)
	}
}

func read(path string) ([]*x509.Certificate, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	chain, err := cryptoutils.UnmarshalCertificatesFromPEM(data)
	if err == nil && len(chain) < 2 {
		err = fmt.Errorf("%s: %d certificates, want the whole chain", path, len(chain))
	}
	return chain, err
}

func reversed(chain []*x509.Certificate) []*x509.Certificate {
	other := slices.Clone(chain)
	slices.Reverse(other)
	return other
}

func refused(err error) error {
	if err == nil {
		return errors.New("it was accepted")
	}
	return nil
}

// public is a signer that shows its key and never signs: the checks compare.
type public struct{ key crypto.PublicKey }

func (p public) Public() crypto.PublicKey { return p.key }

func (public) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("this key only shows itself")
}

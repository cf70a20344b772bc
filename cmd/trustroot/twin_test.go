package main

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"

	"github.com/linnemanlabs/trustroot/internal/testpki"
)

// makeTwin is a hierarchy like a published one, under keys at hand:
//
//	twin FROM TO KEY ORGANIZATION BECOMES
//
// writes the files of FROM into TO with other keys and organization, and the
// root's private key to KEY, as its maker keeps it on the air-gapped host.
func makeTwin() {
	if err := runTwin(os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]); err != nil {
		fmt.Fprintln(os.Stderr, "twin:", err)
		os.Exit(125)
	}
}

func runTwin(from, to, path, organization, becomes string) error {
	t, err := testpki.NewTwin(from, to, organization, becomes)
	if err != nil {
		return err
	}
	for _, c := range t.Certificates {
		if !bytes.Equal(c.RawIssuer, c.RawSubject) {
			continue
		}
		der, err := x509.MarshalECPrivateKey(t.Key(c.RawSubjectPublicKeyInfo))
		if err != nil {
			return err
		}
		return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600)
	}
	return fmt.Errorf("%s holds no root", from)
}

package prepare

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/yubikey"
)

type requestKeyOptions struct {
	*cmdutil.Factory
	name string
	csr  string
}

func newRequestKeyCmd(f *cmdutil.Factory) *cobra.Command {
	o := &requestKeyOptions{Factory: f}
	cmd := cmdutil.Command(o, runRequestKey, "key NAME --csr FILE",
		"Make the key of an authority whose key is not in KMS, such as SPIRE's",
		`Make the key of an authority that the plan calls external, such as a SPIRE CA,
and its certification request. The private key, PKCS#8 in PEM, goes to standard
output and nowhere else: standard output must be a pipe, so that the key never
lies on this machine's disk in the clear. The certification request goes to FILE,
and the pin for the plan to standard error.

age encrypts it for the host of SPIRE's disk plugin, and AWS Secrets Manager takes
the key as SPIRE's awssecret plugin reads it:

  trustroot request key spire --csr spire.csr | age -r RECIPIENT -o spire-key.age
  trustroot request key spire --csr spire.csr |
    aws secretsmanager create-secret --name spire/key \
      --secret-string file:///dev/stdin

Then pin the key in the plan and run trustroot request create --csr FILE. If the
program that reads the key fails, nobody has the key: take FILE away and make
another.`, &o.name)
	cmd.Flags().StringVar(&o.csr, "csr", "", "new file for the certification request")
	return cmd
}

func runRequestKey(_ context.Context, o *requestKeyOptions) error {
	if o.csr == "" {
		return cmdutil.Usage("name it with --csr", "there is no file to write the certification request to")
	}
	pipe, err := cmdutil.SecretPipe()
	if err != nil {
		return err
	}
	d, err := trustdir.Open(o.Dir)
	if err != nil {
		return err
	}
	a, g, err := externalGeneration(d, o.name)
	if err != nil {
		return err
	}
	for _, left := range yubikey.Harden() {
		o.Progress("note: %s", left)
	}
	curve := map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384()}[a.Algorithm]
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		return fmt.Errorf("make the key of %s: %w", o.name, err)
	}
	csr, err := pki.NewRequest(a.Subject, key)
	if err != nil {
		return err
	}
	spki, err := pki.SPKISHA256(&key.PublicKey)
	if err != nil {
		return err
	}
	if err := durable.Write(o.csr, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr}), 0o644); err != nil {
		return err
	}
	if err := handOver(pipe, key); err != nil {
		return errors.Join(fmt.Errorf("hand over the key of %s: %w; the certification request was taken away again", o.name, err), os.Remove(o.csr))
	}
	o.Progress("wrote %s, the request of %s", o.csr, trustdir.GenerationName(o.name, g.Generation))
	o.Progress("pin the key in the plan, at this generation:\n        key: external\n        spki_sha256: %s", spki)
	return nil
}

// externalGeneration is the newest generation of an authority, which must wait
// for its key.
func externalGeneration(d *trustdir.Dir, name string) (plan.Authority, plan.Generation, error) {
	a, ok := d.Plan.Authorities[name]
	if !ok || len(a.Generations) == 0 {
		return a, plan.Generation{}, cmdutil.Usage("name an authority of the plan", "the plan has no authority %q with a generation", name)
	}
	g := trustdir.Newest(a.Generations)
	switch {
	case g.Key != plan.ExternalKey:
		return a, g, cmdutil.Usage("write key: external at the generation, or make the key with trustroot kms create", "the key of %s is not external", trustdir.GenerationName(name, g.Generation))
	case g.Generation <= len(d.State.Authorities[name]):
		return a, g, cmdutil.Usage("plan the next with trustroot renew "+name+" --new-key", "%s has its certificate already", trustdir.GenerationName(name, g.Generation))
	}
	return a, g, nil
}

// handOver writes the key as PKCS#8 in PEM and wipes what it wrote from.
func handOver(out io.Writer, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	defer clear(der)
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	defer clear(text)
	_, err = out.Write(text)
	return err
}

package look

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/logkey"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/checkpoint"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

type logKeyOptions struct {
	*cmdutil.Factory
	online Online
	key    string
	origin string
	kind   string
	url    string
}

func newLogKeyCmd(f *cmdutil.Factory, online Online) *cobra.Command {
	o := &logKeyOptions{Factory: f, online: online}
	cmd := cmdutil.Command(o, runLogKey, "key KEY",
		"Show the log ID, key hash and verifier string of a checkpoint key",
		"KEY is a file with a public key (PEM, key.json, or what aws kms get-public-key\n"+
			"prints), or a key in KMS: an ARN, a key ID, alias/NAME, or one of these after\n"+
			"awskms:///. A key that some client cannot verify with is refused.\n\n"+
			"In a trust directory the plan's log of that origin or key is compared, and what\n"+
			"differs is a warning; without one, --url names the log's base URL.", &o.key)
	cmd.Flags().StringVar(&o.origin, "origin", "", "origin: the first line of the log's checkpoints")
	cmd.Flags().StringVar(&o.kind, "kind", plan.RekorV2, plan.RekorV2+" or "+plan.StaticCT)
	cmd.Flags().StringVar(&o.url, "url", "", "base URL of the log, to compare the origin with")
	return cmd
}

// CheckpointKey is what `log key` prints.
type CheckpointKey struct {
	Kind     string   `json:"kind"`
	Origin   string   `json:"origin"`
	LogID    string   `json:"log_id"`     // base64
	LogIDHex string   `json:"log_id_hex"` // SHA-256 of the SPKI
	KeyHash  string   `json:"key_hash"`   // hex, 4 bytes
	Verifier string   `json:"verifier"`
	PEM      string   `json:"pem"`
	Warnings []string `json:"warnings,omitempty"`
}

func runLogKey(ctx context.Context, o *logKeyOptions) error {
	if o.origin == "" {
		return cmdutil.Usage("name the log's origin, for instance --origin rekor.example.com", "--origin is missing")
	}
	pub, err := o.publicKey(ctx, o.key)
	if err != nil {
		return err
	}
	key, err := logkey.New(o.kind, o.origin, pub)
	if err != nil {
		return err
	}
	text, err := key.PEM()
	if err != nil {
		return err
	}
	warnings, err := o.warnings(key)
	if err != nil {
		return err
	}
	for _, w := range warnings {
		o.Progress("warning: %s", w)
	}
	id := key.LogID()
	k := CheckpointKey{
		Kind: o.kind, Origin: o.origin, LogID: base64.StdEncoding.EncodeToString(id[:]), LogIDHex: fmt.Sprintf("%x", id),
		KeyHash: fmt.Sprintf("%08x", key.Hash()), Verifier: key.Verifier(), PEM: string(text), Warnings: warnings,
	}
	return o.Print(k, fmt.Sprintf("origin    %s\nlog ID    %s\n          %s\nkey hash  %s\nverifier  %s\n%s",
		k.Origin, k.LogID, k.LogIDHex, k.KeyHash, k.Verifier, k.PEM))
}

// warnings compares the key with the base URL that was given and, in a trust
// directory, with the plan's logs.
func (o *logKeyOptions) warnings(key checkpoint.Key) ([]string, error) {
	var warnings []string
	if o.url != "" {
		if err := checkpoint.CheckURL(key.Kind, key.Origin, o.url); err != nil {
			warnings = append(warnings, err.Error())
		}
	}
	if _, err := os.Stat(filepath.Join(o.Dir, trustdir.PlanFile)); errors.Is(err, fs.ErrNotExist) {
		return warnings, nil
	}
	d, err := trustdir.Open(o.Dir)
	if err != nil {
		return nil, err
	}
	return append(warnings, logkey.OriginWarnings(d.Plan, key)...), nil
}

// publicKey reads a key from a file, or from KMS where no file has the name
// and it is a key reference.
func (o *logKeyOptions) publicKey(ctx context.Context, name string) (any, error) {
	if _, err := os.Stat(name); err == nil {
		data, err := cmdutil.ReadBounded(name, pki.MaxEvidence)
		if err != nil {
			return nil, err
		}
		pub, err := logkey.ParsePublicKey(data)
		if err != nil {
			return nil, cmdutil.Usage("give a public key in PEM, a key.json, or the answer of aws kms get-public-key", "%s: %w", name, err)
		}
		return pub, nil
	}
	if o.online.Key == nil {
		return nil, cmdutil.Usage("give a file: this program reads no key from KMS", "%s is not a file", name)
	}
	return o.online.Key(ctx, o.Factory, name)
}
